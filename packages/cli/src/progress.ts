import type { TraceEvent } from "@aml/core";
import { formatBytes } from "./format-bytes.ts";
import type { Output } from "./terminal.ts";

const BAR = 24;
const REDRAW_MS = 80;

export interface ProgressTotal {
  readonly files: number;
  readonly bytes: number;
}

/** A line on a terminal that tells how far reading has come; nothing where there is no terminal. */
export interface Progress {
  onTrace(event: TraceEvent): void;
  /** Turns the counter into a bar. */
  expect(total: ProgressTotal): void;
  /** Counts what a command tells by itself; from the first call on, reads are not counted. */
  moved(bytes: number, files: number): void;
  /** Clears the line, so that something else can be printed. */
  clear(): void;
  readonly visible: boolean;
}

/** Draws on `stderr` where that is a terminal. @param now - milliseconds; a test gives its own clock. */
export function createProgress(
  stderr: Output,
  enabled: boolean,
  now: () => number = () => performance.now(),
): Progress {
  const visible = enabled && stderr.isTTY === true;
  let total: ProgressTotal | undefined;
  let bytes = 0;
  let files = 0;
  let drawnAt = -Infinity;
  let drawn = false;
  let told = false;
  const draw = (): void => {
    const time = now();
    if (time - drawnAt < REDRAW_MS) return;
    drawnAt = time;
    drawn = true;
    const width = Math.max(20, (stderr.columns ?? 80) - 1);
    stderr.write(`\r\x1b[K${progressText(files, bytes, total).slice(0, width)}`);
  };
  return {
    visible,
    expect(value) {
      total = value;
    },
    moved(moreBytes, moreFiles) {
      told = true;
      bytes += moreBytes;
      files += moreFiles;
      if (visible) draw();
    },
    onTrace(event) {
      if (!visible || told || !("bytes" in event) || event.operation !== "read") return;
      if (event.kind === "progress") bytes += event.bytes;
      else if (event.error === undefined) files++;
      draw();
    },
    clear() {
      if (drawn) stderr.write("\r\x1b[K");
      drawn = false;
    },
  };
}

function progressText(files: number, bytes: number, total: ProgressTotal | undefined): string {
  if (total === undefined || total.bytes === 0) return `${files} reads, ${formatBytes(bytes)}`;
  const share = Math.min(1, bytes / total.bytes);
  const full = Math.round(share * BAR);
  const bar = "█".repeat(full) + "░".repeat(BAR - full);
  return (
    `${bar} ${Math.floor(share * 100)} %  ${Math.min(files, total.files)}/${total.files} files  ` +
    `${formatBytes(bytes)} of ${formatBytes(total.bytes)}`
  );
}

import type { CopyEvent, CopyReport } from "@aml/core";
import { countText } from "../count-text.ts";
import { formatBytes } from "../format-bytes.ts";
import { jsonText } from "../json-text.ts";
import { oneLine } from "../print-table.ts";
import type { GlobalFlags, Session } from "../session.ts";
import { shownPath } from "../shown-path.ts";

export interface CopyFlags extends GlobalFlags {
  readonly recursive?: boolean;
  readonly overwrite?: boolean;
  readonly dryRun?: boolean;
  readonly verify?: boolean;
  readonly concurrency?: number;
}

/** `aml cp` */
export async function cp(session: Session, flags: CopyFlags, source: string, target: string): Promise<void> {
  const { progress, signal } = session;
  const workspace = await session.open();
  const done = { files: 0, of: 0 };
  const onEvent = async (event: CopyEvent): Promise<void> => {
    if (event.kind === "planned") {
      done.of = event.files;
      progress.expect({ files: event.files, bytes: event.bytes });
    }
    if (event.kind === "copied" || event.kind === "skipped") {
      done.files++;
      progress.moved(0, 1);
    }
    if (event.kind === "fallback") session.note(`note: ${event.reason} The bytes pass through this machine.`);
    if (session.json) await session.write(eventLine(event));
    else if (event.kind === "would_copy") await session.write(dryLine(session, event, source, target));
  };
  const { recursive, overwrite, dryRun, verify, concurrency } = flags;
  let report: CopyReport;
  try {
    report = await workspace.copy(source, target, {
      recursive,
      overwrite,
      dryRun,
      verify,
      concurrency,
      signal,
      onEvent,
      onBytes: (bytes) => progress.moved(bytes, 0),
    });
  } catch (error) {
    if (done.of > 1 || (done.of === 1 && signal.aborted)) session.note(stoppedText(done));
    throw error;
  }
  if (session.json)
    await session.write(`${jsonText({ event: "summary", dryRun: dryRun === true, ...report })}\n`);
  else await session.write(summary(report, target, dryRun === true));
}

function eventLine({ kind, ...rest }: CopyEvent): string {
  return `${jsonText({ event: kind, ...rest })}\n`;
}

function dryLine(
  { terminal: { cwd } }: Session,
  { from, to, bytes }: Extract<CopyEvent, { kind: "would_copy" }>,
  source: string,
  target: string,
): string {
  const shown = `${oneLine(shownPath(from, source, cwd))} -> ${oneLine(shownPath(to, target, cwd))}`;
  return `${formatBytes(bytes).padStart(9)}  ${shown}\n`;
}

function stoppedText({ files, of }: { readonly files: number; readonly of: number }): string {
  return `Stopped: ${files} of ${countText(of, "file")} ${files === 1 ? "is" : "are"} there, whole. The same command goes on with the others.`;
}

function summary(report: CopyReport, target: string, dryRun: boolean): string {
  const { files, bytes, skipped, byService } = report;
  if (files === 0) {
    if (skipped === 0) return "There is no file to copy.\n";
    return `Nothing is left to copy: ${countText(skipped, "file")} ${skipped === 1 ? "is" : "are"} there already, the same.\n`;
  }
  const verb = dryRun ? "would be copied" : files === 1 ? "was copied" : "were copied";
  const more = [
    ...(skipped > 0 ? [`${countText(skipped, "file")} ${skipped === 1 ? "was" : "were"} there already`] : []),
    ...(byService > 0 ? [`${byService === files ? "all" : byService} by the service itself`] : []),
  ];
  return `${countText(files, "file")}, ${formatBytes(bytes)}, ${verb} to ${oneLine(target)}${more.length > 0 ? ` (${more.join("; ")})` : ""}.\n`;
}

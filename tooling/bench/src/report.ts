import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import process from "node:process";
import type { Comparison } from "./measure.ts";

/** One line of the table. */
export interface Line {
  readonly what: string;
  readonly ours: string;
  readonly peer: string;
  readonly ratio: string;
  readonly bar: string;
  /** Absent where there is no bar. */
  readonly met?: boolean;
}

/** Times, where less is better. Without a bar the line only informs. */
export function timeLine(what: string, result: Comparison, most?: number): Line {
  const ratio = result.ours / result.peer;
  return {
    what,
    ours: ms(result.ours),
    peer: `${ms(result.peer)} (${result.peerName})`,
    ratio: ratioText(ratio, result.ratios),
    bar: most === undefined ? "" : `≤ ${most}×`,
    ...(most !== undefined && { met: ratio <= most }),
  };
}

/** Speeds, where more is better: `amount` units were done by both. */
export function speedLine(
  what: string,
  result: Comparison,
  amount: number,
  unit: string,
  least?: number,
): Line {
  const ratio = result.peer / result.ours;
  const speed = (time: number): string => `${plain((amount / time) * 1000)} ${unit}/s`;
  return {
    what,
    ours: speed(result.ours),
    peer: `${speed(result.peer)} (${result.peerName})`,
    ratio: ratioText(
      ratio,
      result.ratios.map((value) => 1 / value),
    ),
    bar: least === undefined ? "" : `≥ ${least}×`,
    ...(least !== undefined && { met: ratio >= least }),
  };
}

export function ms(time: number): string {
  return `${plain(time)} ms`;
}

function plain(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(value >= 10 ? 1 : 2);
}

function ratioText(ratio: number, all: readonly number[]): string {
  return `${ratio.toFixed(2)}× (${Math.min(...all).toFixed(2)}–${Math.max(...all).toFixed(2)})`;
}

const HEAD = ["what", "ours", "peer", "ratio (range)", "bar", ""];

export function tableOf(lines: readonly Line[]): string {
  const cells = [
    HEAD,
    ...lines.map(({ what, ours, peer, ratio, bar, met }) => {
      return [what, ours, peer, ratio, bar, met === undefined ? "" : met ? "met" : "**missed**"];
    }),
  ];
  const widths = HEAD.map((_, at) => Math.max(3, ...cells.map((row) => row[at]?.length ?? 0)));
  const text = cells.map((row) => `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`);
  text.splice(1, 0, `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`);
  return text.join("\n");
}

/** What the numbers depend on, without what names this machine. */
export function factsOf(repetitions: number): string {
  const versions = ["@duckdb/node-api", "@azure/storage-blob"].map((name) => `${name} ${versionOf(name)}`);
  const emulator = createRequire(new URL("../../../packages/emulator/package.json", import.meta.url));
  const azurite = JSON.parse(readFileSync(emulator.resolve("azurite/package.json"), "utf8")) as {
    version: string;
  };
  return [
    `- ${new Date().toISOString().slice(0, 10)}, medians of ${repetitions}, all sides in turns`,
    `- ${os.availableParallelism()} cores (${os.arch()}), ${Math.round(os.totalmem() / 2 ** 30)} GiB, ` +
      `${os.type()}, load average ${os.loadavg()[0]?.toFixed(1)} at the start`,
    `- Node ${process.versions.node}, ${versions.join(", ")}, azurite ${azurite.version}`,
  ].join("\n");
}

/** Of a package that may not export its manifest. */
function versionOf(name: string): string {
  const path = createRequire(import.meta.url).resolve(name);
  const folder = path.slice(0, path.lastIndexOf(`node_modules/${name}/`) + `node_modules/${name}/`.length);
  return (JSON.parse(readFileSync(`${folder}package.json`, "utf8")) as { version: string }).version;
}

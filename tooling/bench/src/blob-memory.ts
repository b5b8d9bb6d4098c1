import { spawn } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { BlobTarget } from "./azure.ts";
import { assertSame } from "./measure.ts";
import type { Line } from "./report.ts";

const MIB = 2 ** 20;
const MOST_MIB = 64;

export interface DownloadTask extends BlobTarget {
  readonly path: string;
  readonly size: number;
}

/** Bytes above what the process held before, at their peak. */
export interface DownloadMemory {
  readonly bytes: number;
  readonly hash: string;
  readonly rss: number;
  readonly buffers: number;
}

const SIDES = ["ours", "sdk", "http"] as const;

/**
 * Downloads in fresh processes into a hash: ours, the SDK's one stream, and the bare client of Node, which holds
 * nothing itself, so that what it takes is garbage not yet collected. Medians of three.
 */
export async function measureMemory(
  task: DownloadTask,
  expected: string,
  report: (line: Line) => void,
): Promise<void> {
  const what = `Memory above idle, blob of ${task.size / MIB} MiB`;
  const sides: Record<(typeof SIDES)[number], DownloadMemory[]> = { ours: [], sdk: [], http: [] };
  for (let round = 0; round < 3; round += 1) {
    for (const side of SIDES) {
      const { bytes, hash, ...peaks } = await runChild(side, task);
      assertSame(`${what}, ${side}`, { bytes, hash }, { bytes: task.size, hash: expected });
      sides[side].push({ bytes, hash, ...peaks });
    }
  }
  const middle = (all: readonly DownloadMemory[]): DownloadMemory =>
    all.toSorted((a, b) => a.rss - b.rss)[1] ?? { bytes: 0, hash: "", rss: Number.NaN, buffers: Number.NaN };
  const [ours, sdk, http] = [middle(sides.ours), middle(sides.sdk), middle(sides.http)];
  report({
    what,
    ours: text(ours),
    peer: `${text(sdk)} (download, one stream)`,
    ratio: `${(ours.rss / sdk.rss).toFixed(2)}×`,
    bar: `≤ ${MOST_MIB} MiB`,
    met: ours.rss <= MOST_MIB * MIB,
  });
  report({
    what: `${what}, against Node's own client`,
    ours: text(ours),
    peer: `${text(http)} (node:http, one stream)`,
    ratio: `${(ours.rss / http.rss).toFixed(2)}×`,
    bar: "",
  });
}

function text({ rss, buffers }: DownloadMemory): string {
  return `${(rss / MIB).toFixed(0)} MiB RSS, ${(buffers / MIB).toFixed(0)} MiB buffers`;
}

function runChild(side: string, task: DownloadTask): Promise<DownloadMemory> {
  const script = fileURLToPath(new URL("download-child.ts", import.meta.url));
  const child = spawn(
    process.execPath,
    [...process.execArgv, "--expose-gc", script, side, JSON.stringify(task)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let output = "";
  child.stdout.on("data", (data) => (output += String(data)));
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve(JSON.parse(output) as DownloadMemory);
      else reject(new Error(`The download (${side}) ended with ${code}.`));
    });
  });
}

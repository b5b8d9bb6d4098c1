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
  /** Another blob, to get ready with. */
  readonly smallPath: string;
  /** Where files may be written. */
  readonly folder: string;
}

/** Bytes above what the process held before, at their peak. */
export interface DownloadMemory {
  readonly bytes: number;
  readonly hash: string;
  readonly rss: number;
  readonly buffers: number;
}

const SIDES = ["file", "sdkFile", "hash", "sdkHash", "httpHash"] as const;
type Side = (typeof SIDES)[number];

/**
 * Takes a blob to disk and into a hash, in fresh processes: ours, the SDK's, and the bare client of Node, which holds
 * nothing itself, so that what it takes is garbage not yet collected. Medians of three.
 */
export async function measureMemory(
  task: DownloadTask,
  expected: string,
  report: (line: Line) => void,
): Promise<void> {
  const what = `Memory above idle, blob of ${task.size / MIB} MiB`;
  const sides = new Map<Side, DownloadMemory[]>(SIDES.map((side) => [side, []]));
  for (let round = 0; round < 3; round += 1) {
    for (const side of SIDES) {
      const { bytes, hash, ...peaks } = await runChild(side, task);
      assertSame(`${what}, ${side}`, { bytes, hash }, { bytes: task.size, hash: expected });
      sides.get(side)?.push({ bytes, hash, ...peaks });
    }
  }
  const line = (name: string, side: Side, peer: Side, peerName: string): Line => {
    const [ours, theirs] = [middle(sides.get(side)), middle(sides.get(peer))];
    return {
      what: `${what}${name}`,
      ours: text(ours),
      peer: `${text(theirs)} (${peerName})`,
      ratio: `${(ours.rss / theirs.rss).toFixed(2)}×`,
      bar: "",
    };
  };
  const mostRss = MOST_MIB * MIB;
  report({
    ...line(", to a file", "file", "sdkFile", "downloadToFile, one stream"),
    bar: `≤ ${MOST_MIB} MiB`,
    met: middle(sides.get("file")).rss <= mostRss,
  });
  report(line(", into a hash", "hash", "sdkHash", "download, one stream"));
  report(line(", into a hash, against Node's own client", "hash", "httpHash", "node:http, one stream"));
}

function middle(all: readonly DownloadMemory[] = []): DownloadMemory {
  const [, found] = all.toSorted((a, b) => a.rss - b.rss);
  return found ?? { bytes: 0, hash: "", rss: Number.NaN, buffers: Number.NaN };
}

function text({ rss, buffers }: DownloadMemory): string {
  return `${(rss / MIB).toFixed(0)} MiB RSS, ${(buffers / MIB).toFixed(0)} MiB buffers`;
}

function runChild(side: Side, task: DownloadTask): Promise<DownloadMemory> {
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

import { readFileSync } from "node:fs";
import process from "node:process";

/**
 * The most memory that this process held, in bytes. Linux keeps the exact peak; that of `getrusage` begins there with
 * what the parent held when it started this process.
 */
export function peakOfProcess(): number {
  if (process.platform !== "linux") return process.resourceUsage().maxRSS * 1024;
  const peak = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync("/proc/self/status", "utf8"));
  return Number(peak?.[1] ?? Number.NaN) * 1024;
}

import type { ReadStepOptions } from "@aml/workspace";
import { keyValues } from "./datastore-flags.ts";

/**
 * The options of a reading step from `--read key=value`: a value that is JSON is that, any other is text.
 *
 * @throws `config_invalid` for one without `=`.
 */
export function readOptions(texts: readonly string[] | undefined): ReadStepOptions | undefined {
  if (texts === undefined) return undefined;
  const entries = Object.entries(keyValues(texts, "--read"));
  return Object.fromEntries(entries.map(([key, value]) => [key, valueOf(key, value)]));
}

function valueOf(key: string, value: string): unknown {
  // Few shells have a way to write a tab; and a digit is a delimiter too.
  if (key === "delimiter") return value === String.raw`\t` ? "\t" : value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return value;
  }
}

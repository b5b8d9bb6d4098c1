import { unescapeHive } from "./hive-value.ts";
import {
  type PartitionColumn,
  type PartitionFormat,
  type PartitionPart,
  TOKENS,
} from "./partition-format.ts";
import { utcDate } from "./utc-date.ts";

/** What no value holds, or the end of the path. */
const VALUE_END = /^$|[./\\]/;

/**
 * Finds the format anywhere in a file's URI and takes the values of its columns.
 *
 * A value is one or more characters other than `.`, `/` and `\`, as many as fit; the first place that fits counts.
 * Takes time linear in the length of the URI, whatever the format. Names are matched as they are in the store, so
 * what a URI has to percent-encode is decoded, once; and values once more if they are escaped as Hive does it.
 *
 * @returns the values, dates in UTC; undefined when the format is not found or its date is in no calendar.
 */
export function matchPartitionFormat(
  { parts, columns, hive }: PartitionFormat,
  uri: string,
): Readonly<Record<string, string | Date | null>> | undefined {
  const path = asNamed(uri);
  const fits = fitTable(parts, path);
  let at = (fits[0] as Uint8Array).indexOf(1);
  if (at < 0) return undefined;
  const found = new Map<string, string>();
  for (const [index, { text, column, token }] of parts.entries()) {
    const start = at;
    const fixed = text ?? token;
    if (fixed !== undefined) at += fixed.length;
    // As far as the value runs while something still fits behind it; as near as the rest fits.
    else if (column !== undefined) while (fits[index]?.[at]) at++;
    else while (!fits[index + 1]?.[at]) at++;
    const key = token ?? `=${column}`;
    if (column !== undefined && !found.has(key)) found.set(key, path.slice(start, at));
  }
  const fields = TOKENS.map((token) => found.get(token)).map((digits) => digits && Number(digits));
  const date = found.has("yyyy") ? utcDate(...(fields as [number])) : undefined;
  if (date === null) return undefined;
  const valueOf = ({ name }: PartitionColumn): string | Date | null => {
    const value = found.get(`=${name}`);
    if (value === undefined) return date as Date;
    return hive ? unescapeHive(value) : value;
  };
  return Object.freeze(Object.fromEntries(columns.map((column) => [column.name, valueOf(column)])));
}

/** Without the percent-encoding of URIs; those of datastores have none. */
function asNamed(uri: string): string {
  if (!/^(?!azureml:)[a-z][\w+.-]*:\/\/.*%/is.test(uri)) return uri;
  try {
    return decodeURIComponent(uri);
  } catch {
    return uri;
  }
}

/** For each part and position: whether this part and all after it fit from there. Worked out from the end. */
function fitTable(parts: readonly PartitionPart[], uri: string): readonly Uint8Array[] {
  const fits = [new Uint8Array(uri.length + 1).fill(1)];
  for (const { text, column, token } of parts.toReversed()) {
    const next = fits[0] as Uint8Array;
    const own = new Uint8Array(uri.length + 1);
    const fixed = text ?? token;
    for (let at = uri.length; at >= 0; at--) {
      if (fixed !== undefined) {
        const end = at + fixed.length;
        const piece = uri.slice(at, end);
        own[at] = Number(next[end] && (token === undefined ? piece === text : !/\D/.test(piece)));
      } else if (column === undefined) own[at] = Number(next[at] || own[at + 1]);
      else own[at] = Number(!VALUE_END.test(uri.charAt(at)) && (next[at + 1] || own[at + 1]));
    }
    fits.unshift(own);
  }
  return fits;
}

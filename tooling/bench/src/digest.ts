import { createHash } from "node:crypto";

/** How many rows there were and a hash of every value of them, in order and with its type. */
export async function digestRows(
  batches: AsyncIterable<readonly Readonly<Record<string, unknown>>[]>,
): Promise<{ rows: number; hash: string }> {
  const hash = createHash("sha256");
  let rows = 0;
  for await (const batch of batches) {
    rows += batch.length;
    const text: string[] = [];
    for (const row of batch) for (const name in row) text.push(name, textOf(row[name]));
    hash.update(`${text.join("\u0001")}\u0001`);
  }
  return { rows, hash: hash.digest("hex") };
}

function textOf(value: unknown): string {
  if (value instanceof Date) return `date ${value.getTime()}`;
  if (value === null) return "null";
  if (typeof value === "bigint") return `bigint ${value}`;
  return `${typeof value} ${JSON.stringify(value)}`;
}

/** Length and hash of the bytes of a stream. */
export async function digestBytes(
  stream: AsyncIterable<Uint8Array>,
): Promise<{ bytes: number; hash: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of stream) {
    bytes += chunk.byteLength;
    hash.update(chunk);
  }
  return { bytes, hash: hash.digest("hex") };
}

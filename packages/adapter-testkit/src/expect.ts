import { isAmlError, type AmlErrorCode, type FileStat, type StorageAdapter, type StorePath } from "@aml/core";
import type { ReadOptions, WriteOptions } from "@aml/core";

/** Store paths in cases are written out; they are normalised already. */
export function at(path: string): StorePath {
  return path as StorePath;
}

export function ok(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message);
}

export function equal(actual: unknown, expected: unknown, what: string): void {
  if (actual instanceof Uint8Array && expected instanceof Uint8Array && isSame(actual, expected)) return;
  const [one, other] = [show(actual), show(expected)];
  ok(one === other, `${what} is ${one}, not ${other}.`);
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  if (one.byteLength !== other.byteLength) return false;
  for (let index = 0; index < one.byteLength; index += 1) if (one[index] !== other[index]) return false;
  return true;
}

function show(value: unknown): string {
  if (value instanceof Uint8Array) {
    return value.byteLength > 64
      ? `${value.byteLength} bytes ${checksum(value)}`
      : `bytes [${value.join(" ")}]`;
  }
  return (
    JSON.stringify(value, (_key, item: unknown) => (item === undefined ? "(undefined)" : item)) ?? "undefined"
  );
}

/** FNV-1a, 32 bits: enough to tell two bodies of one length apart in a message, and it needs no library. */
function checksum(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16);
}

/** Fails unless the promise rejects with an `AmlError` of one of the codes. */
export async function refuses(
  call: Promise<unknown> | (() => Promise<unknown>),
  ...codes: readonly AmlErrorCode[]
): Promise<void> {
  const error = await failure(call);
  ok(isAmlError(error), `It failed with ${String(error)}, not with an AmlError.`);
  ok(codes.includes(error.code), `It failed with ${error.code}, not ${codes.join(" or ")}: ${error.message}`);
}

/** What a call rejects with; fails when it does not. */
export async function failure(call: Promise<unknown> | (() => Promise<unknown>)): Promise<unknown> {
  let result: unknown;
  try {
    result = await (typeof call === "function" ? call() : call);
  } catch (error) {
    return error;
  }
  throw new Error(`It succeeded${result === undefined ? "" : ` with ${show(result)}`}, but must fail.`);
}

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Bytes that look like noise and are the same every time. */
export function noise(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const words = new Int32Array(Math.ceil(length / 4));
  // Xorshift, four bytes a step: cases take megabytes.
  let state = Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995;
  for (let index = 0; index < words.length; index += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[index] = state;
  }
  return new Uint8Array(words.buffer).slice(0, length);
}

export function streamOf(...chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  let next = 0;
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks[next];
        next += 1;
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
    },
    { highWaterMark: 0 },
  );
}

export async function collect(body: ReadableStream<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  const reader = body.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
  return join(chunks);
}

export function join(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

export async function readAll(
  storage: StorageAdapter,
  path: string,
  options?: ReadOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  return collect((await storage.read(at(path), options)).body);
}

export async function readText(
  storage: StorageAdapter,
  path: string,
  options?: ReadOptions,
): Promise<string> {
  return new TextDecoder().decode(await readAll(storage, path, options));
}

export function put(
  storage: StorageAdapter,
  path: string,
  content: string | Uint8Array,
  options?: WriteOptions,
): Promise<FileStat> {
  const bytes = typeof content === "string" ? utf8(content) : content;
  return write(storage)(at(path), streamOf(bytes), options);
}

export function write(storage: StorageAdapter): NonNullable<StorageAdapter["write"]> {
  ok(storage.write !== undefined, "The store has no write.");
  return storage.write.bind(storage);
}

export function remove(storage: StorageAdapter): NonNullable<StorageAdapter["delete"]> {
  ok(storage.delete !== undefined, "The store has no delete.");
  return storage.delete.bind(storage);
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** `path` of files and `path/` of directories, in the order that the store gives. */
export async function names(items: AsyncIterable<FileStat>): Promise<string[]> {
  return (await all(items)).map(({ path, kind }) => (kind === "directory" ? `${path}/` : path));
}

export async function exists(storage: StorageAdapter, path: string): Promise<boolean> {
  try {
    await storage.stat(at(path));
    return true;
  } catch (error) {
    if (isAmlError(error, "not_found")) return false;
    throw error;
  }
}

/** Order is a matter of `list/sorted` alone. */
export function sorted(items: readonly string[]): string[] {
  return [...items].sort();
}

import { defineStorageAdapter, type StorageDefinition } from "./adapter-definition.ts";
import { AmlError } from "./aml-error.ts";
import { createFiles, directoryStat, type Files, type StoredFile } from "./memory-files.ts";
import type {
  FileStat,
  ListOptions,
  OperationOptions,
  ReadOptions,
  ReadResult,
  StorageAdapter,
  StorePath,
  WriteOptions,
} from "./storage.ts";

export interface MemoryStorageOptions {
  /** Defaults to `memory://`. */
  readonly uri?: string | undefined;
  /** What is there at first; text is kept as UTF-8. */
  readonly files?: Readonly<Record<string, string | Uint8Array>> | undefined;
  /**
   * Further files that are never held: names in ascending code-unit order, made while a listing runs. It may skip
   * names that do not start with `prefix`. The content of each is its own name; a write replaces it.
   */
  readonly generate?: ((prefix: string) => Iterable<string>) | undefined;
  /** Files and directories a page of `list`; 1000 unless given. */
  readonly pageSize?: number | undefined;
  /** Bytes a chunk of `read`; 65536 unless given. */
  readonly chunkSize?: number | undefined;
  /** Hears of each page before it is made: a listing's cost, for tests. */
  readonly onPage?: ((folder: StorePath) => void) | undefined;
  /** Milliseconds since 1970, for `modifiedAt`. */
  readonly now?: (() => number) | undefined;
}

export interface MemoryOptions {
  readonly name: string;
}

/**
 * A store in memory with every capability but real directories: for tests and as the model of the contract.
 *
 * Like in Blob storage a directory is there while a file is below it, and a file and a directory may share a name.
 *
 * @throws `not_found`, `already_exists`, `precondition_failed`, `range_not_satisfiable`, as `StorageAdapter` says.
 */
export function memoryStorage(options: MemoryStorageOptions = {}): StorageAdapter {
  const files = createFiles(options);
  return Object.freeze<StorageAdapter>({
    contract: "aml.storage/1",
    type: "memory",
    uri: options.uri ?? "memory://",
    capabilities: Object.freeze({
      list: true,
      directories: false,
      sortedList: true,
      etags: true,
      conditionalWrites: true,
      atomicWrites: true,
      properties: true,
      md5: true,
    }),
    async stat(path, { signal }: OperationOptions = {}) {
      signal?.throwIfAborted();
      return files.get(path)?.stat ?? files.directory(path) ?? missing("stat", path);
    },
    list: (folder, listOptions = {}) => list(options, files, folder, listOptions),
    async read(path, readOptions: ReadOptions = {}) {
      readOptions.signal?.throwIfAborted();
      return read(files.get(path) ?? missing("read", path), readOptions, options.chunkSize ?? 65_536);
    },
    async write(path, body, writeOptions: WriteOptions = {}) {
      if (path === "") throw new AmlError("path_invalid", "A file needs a name: the path is empty.");
      const bytes = await collect(body, writeOptions, () => checkWrite(files.get(path), path, writeOptions));
      checkWrite(files.get(path), path, writeOptions);
      const { contentType, metadata, md5 } = writeOptions;
      return files.set(path, bytes, { contentType, metadata }, md5?.());
    },
    async delete(path, { signal, recursive } = {}) {
      signal?.throwIfAborted();
      files.delete(path, recursive === true);
    },
  });
}

/**
 * Memory stores by name as an adapter for workspaces, type `memory`: opening one name twice gives one store.
 *
 * @param stores - the stores there are; others are created empty, and added, when first opened.
 */
export function memory(
  stores: Map<string, StorageAdapter> = new Map(),
): StorageDefinition<MemoryOptions, "anonymous"> {
  return defineStorageAdapter<MemoryOptions, "anonymous">({
    type: "memory",
    credentialKinds: ["anonymous"],
    parseOptions(input) {
      const { name, ...others } = (input ?? {}) as Record<string, unknown>;
      const unknown = Object.keys(others)[0];
      if (typeof name === "string" && /^[\w-]+$/.test(name) && unknown === undefined) return { name };
      throw new AmlError(
        "config_invalid",
        unknown === undefined ? "The option name is missing or wrong." : `There is no option ${unknown}.`,
        { hint: "Give a memory store a name of letters, digits, '-' and '_', and nothing else." },
      );
    },
    locate(uri) {
      const match = /^memory:\/\/([\w-]+)(?:\/(.*))?$/s.exec(uri);
      return match ? { options: { name: match[1] ?? "" }, path: match[2] ?? "" } : undefined;
    },
    open({ options: { name } }) {
      const store = stores.get(name) ?? memoryStorage({ uri: `memory://${name}` });
      stores.set(name, store);
      return store;
    },
  });
}

async function* list(
  { pageSize = 1000, onPage }: MemoryStorageOptions,
  files: Files,
  folder: StorePath,
  { signal, recursive, prefix = "" }: ListOptions,
): AsyncGenerator<FileStat> {
  const base = folder === "" ? "" : `${folder}/`;
  const entries = fold(files.names(base + prefix), base, base + prefix, recursive === true);
  let left = 0;
  for (const { path, directory } of entries) {
    if (left === 0) {
      await Promise.resolve();
      onPage?.(folder);
      left = pageSize;
    }
    signal?.throwIfAborted();
    left -= 1;
    const stat = directory ? directoryStat(path) : files.listed(path);
    if (stat !== undefined) yield stat;
  }
  signal?.throwIfAborted();
}

function* fold(names: Iterable<StorePath>, base: string, start: string, recursive: boolean) {
  let folded: string | undefined;
  for (const path of names) {
    if (!path.startsWith(start)) return;
    if (folded !== undefined && path.startsWith(folded)) continue;
    const slash = recursive ? -1 : path.indexOf("/", base.length);
    folded = slash < 0 ? undefined : path.slice(0, slash + 1);
    const shown = slash < 0 ? path : (path.slice(0, slash) as StorePath);
    if (shown.startsWith(start)) yield { path: shown, directory: slash >= 0 };
  }
}

function read(file: StoredFile, { range, ifMatch, signal }: ReadOptions, chunkSize: number): ReadResult {
  const { bytes, stat, properties } = file;
  if (ifMatch !== undefined && ifMatch !== stat.etag) throw changed("read", stat.path, stat.etag);
  const offset = range?.offset ?? 0;
  if (offset > bytes.byteLength) {
    throw new AmlError(
      "range_not_satisfiable",
      `Offset ${offset} is past the end of ${JSON.stringify(stat.path)}, which has ${bytes.byteLength} bytes.`,
      { operation: "read", context: { path: stat.path, offset, size: bytes.byteLength } },
    );
  }
  const end = Math.min(bytes.byteLength, offset + (range?.length ?? Infinity));
  let position = offset;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (signal?.aborted) return controller.error(signal.reason);
        if (position >= end) return controller.close();
        const next = Math.min(end, position + chunkSize);
        controller.enqueue(bytes.slice(position, next));
        position = next;
      },
    },
    { highWaterMark: 0 },
  );
  return { body, stat, ...(properties && { properties }) };
}

function checkWrite(
  file: StoredFile | undefined,
  path: StorePath,
  { ifMatch, ifNoneMatch }: WriteOptions,
): void {
  if (ifNoneMatch !== undefined && file !== undefined) {
    throw new AmlError("already_exists", `There is a file at ${JSON.stringify(path)} already.`, {
      operation: "write",
      context: { path },
    });
  }
  if (ifMatch !== undefined && ifMatch !== file?.stat.etag) throw changed("write", path, file?.stat.etag);
}

/** Reads a body to its end; when that fails the body is cancelled, so that its source is freed. */
async function collect(
  body: ReadableStream<Uint8Array>,
  { size, signal }: WriteOptions,
  check: () => void,
): Promise<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  const abort = (): void => void reader.cancel(signal?.reason).catch(() => undefined);
  signal?.addEventListener("abort", abort);
  try {
    signal?.throwIfAborted();
    check();
    const chunks: Uint8Array[] = [];
    let length = 0;
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      signal?.throwIfAborted();
      chunks.push(next.value);
      length += next.value.byteLength;
    }
    signal?.throwIfAborted();
    if (size !== undefined && size !== length) {
      throw new AmlError("precondition_failed", `The body has ${length} bytes, not the ${size} announced.`);
    }
    return concat(chunks, length);
  } catch (error) {
    await reader.cancel(error).catch(() => undefined);
    throw signal?.aborted ? signal.reason : error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

function concat(chunks: readonly Uint8Array[], length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return bytes;
}

function changed(operation: string, path: StorePath, etag: string | undefined): AmlError {
  return new AmlError("precondition_failed", `${JSON.stringify(path)} is not the version asked for.`, {
    operation,
    hint: "Read its stat again: the file has changed or gone since.",
    context: { path, etag },
  });
}

function missing(operation: string, path: StorePath): never {
  throw new AmlError("not_found", `There is no ${JSON.stringify(path)}.`, { operation, context: { path } });
}

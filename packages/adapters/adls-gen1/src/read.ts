import {
  AmlError,
  type FileStat,
  type ReadOptions,
  type ReadResult,
  type StorePath,
} from "@aml/core/adapter";
import { isFolder, networkError, pastEnd, rowError } from "./errors.ts";
import { CHANGED, type Attempt } from "./error-rows.ts";
import { stat } from "./files.ts";
import type { Call, Store } from "./store.ts";

/** Up to here an answer is taken to be of one version. */
const SMALL = 4 * 1024 * 1024;

/**
 * Reads a file with one request, and looks it up at the same time: the answer itself tells no size. Of more than
 * 4 MiB, size and modification time are looked up again at the end, and must be the same.
 */
export async function read(
  store: Store,
  path: StorePath,
  { range, signal }: ReadOptions = {},
): Promise<ReadResult> {
  const call: Call = { operation: "read", path, signal };
  const { offset = 0, length } = range ?? {};
  const [found, opened] = await Promise.allSettled([
    stat(store, path, signal, "read"),
    length === 0
      ? Promise.resolve(undefined)
      : store.send(call, "GET", { op: "OPEN", read: true, offset, length }),
  ]);
  const refused = refusalOf(path, offset, found);
  if (refused !== undefined || opened.status === "rejected" || found.status === "rejected") {
    if (opened.status === "fulfilled") await opened.value?.body?.cancel();
    throw refused ?? (opened.status === "rejected" ? opened.reason : undefined);
  }
  const before = found.value;
  const end = Math.min(before.size, offset + (length ?? before.size));
  const attempt = store.attempt(call);
  const expected = end - offset;
  const check = async (): Promise<void> => {
    if (expected > SMALL && !isSame(before, await stat(store, path, signal, "read")))
      throw rowError(CHANGED, attempt);
  };
  return { body: bodyOf(opened.value?.body ?? null, { attempt, expected, check, signal }), stat: before };
}

function refusalOf(path: StorePath, offset: number, found: PromiseSettledResult<FileStat>): unknown {
  if (found.status === "rejected") return found.reason;
  if (found.value.kind === "directory") return isFolder(path);
  return offset > found.value.size ? pastEnd(path, offset, found.value.size) : undefined;
}

function isSame(one: FileStat, other: FileStat): boolean {
  return (
    one.kind === other.kind &&
    one.size === other.size &&
    one.modifiedAt?.getTime() === other.modifiedAt?.getTime()
  );
}

interface Plan {
  readonly attempt: Attempt;
  /** Bytes that must come: more or fewer mean another version. */
  readonly expected: number;
  check(): Promise<void>;
  readonly signal: AbortSignal | undefined;
}

function bodyOf(
  source: ReadableStream<Uint8Array> | null,
  { attempt, expected, check, signal }: Plan,
): ReadableStream<Uint8Array> {
  const reader = source?.getReader();
  let given = 0;
  return new ReadableStream<Uint8Array>(
    {
      async pull(body) {
        try {
          const next = await reader?.read();
          signal?.throwIfAborted();
          given += next?.value?.byteLength ?? 0;
          if (given > expected) throw rowError(CHANGED, attempt, { expected });
          if (next?.value !== undefined) return body.enqueue(next.value);
          if (given < expected) throw cutOff(attempt, given, expected);
          await check();
          body.close();
        } catch (error) {
          void reader?.cancel(error).catch(() => undefined);
          throw networkError(error, attempt, signal);
        }
      },
      cancel: (reason) => reader?.cancel(reason),
    },
    { highWaterMark: 0 },
  );
}

function cutOff({ path }: Attempt, received: number, expected: number): AmlError {
  return new AmlError(
    "unavailable",
    `The service sent ${received} of the ${expected} bytes of file '${path}'.`,
    {
      operation: "read",
      hint: "Try again.",
      context: { path, received, expected },
    },
  );
}

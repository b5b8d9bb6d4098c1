import { AmlError, type AmlErrorCode, type FileStat, type StorageLayer } from "@aml/core";
import { createLayer } from "@aml/core/layers";
import type { ReadResult, StorageAdapter } from "@aml/core";
import { faultyBody } from "./faulty-body.ts";

type Verb = "stat" | "list" | "read" | "write" | "delete";

/** One thing that goes wrong, when its turn comes. */
export interface StorageFault {
  readonly on: Verb;
  /** Which call of that verb, counted from 1; every call unless given. */
  readonly call?: number | undefined;
  /**
   * - `error`: the call fails (a listing after `afterItems`)
   * - `cut`: the body fails after `afterBytes`
   * - `truncate`: the body ends after `afterBytes`, without an error
   * - `extend`: the body has 16 bytes too many
   * - `stall`: the call, or the body after `afterBytes`, or the listing after `afterItems`, hangs until it is aborted
   * - `change_etag`: the file is another version from here on
   * - `clock_skew`: `modifiedAt` is `skewMs` off
   */
  readonly does: "error" | "cut" | "truncate" | "extend" | "stall" | "change_etag" | "clock_skew";
  readonly afterBytes?: number | undefined;
  readonly afterItems?: number | undefined;
  /** `unavailable` unless given. */
  readonly code?: AmlErrorCode | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly skewMs?: number | undefined;
}

/** Makes a store fail by script, so that a failure comes at the same place every time. */
export function withFaults(script: readonly StorageFault[]): StorageLayer {
  return (inner) => {
    const calls: Record<Verb, number> = { stat: 0, list: 0, read: 0, write: 0, delete: 0 };
    let version = 0;
    const next = (verb: Verb): StorageFault | undefined => {
      calls[verb] += 1;
      const fault = script.find(({ on, call }) => on === verb && (call ?? calls[verb]) === calls[verb]);
      if (fault?.does === "change_etag") version += 1;
      return fault;
    };
    const seen = (stat: FileStat, fault: StorageFault | undefined): FileStat => ({
      ...stat,
      etag:
        version === 0 || stat.etag === undefined ? stat.etag : `${stat.etag.replace(/"$/, "")}-v${version}"`,
      modifiedAt: fault?.does === "clock_skew" ? skewed(stat.modifiedAt, fault.skewMs) : stat.modifiedAt,
    });
    return createLayer(inner, {
      async stat(path, options) {
        const fault = next("stat");
        await before(fault, path, options?.signal);
        return seen(await inner.stat(path, options), fault);
      },
      list: (folder, options) => list(inner, next("list"), folder, options, seen),
      async read(path, options = {}) {
        const fault = next("read");
        if (fault?.afterBytes === undefined) await before(fault, path, options.signal);
        const { ifMatch } = options;
        if (
          version > 0 &&
          ifMatch !== undefined &&
          ifMatch !== seen(await inner.stat(path), undefined).etag
        ) {
          throw new AmlError("precondition_failed", `${path} is another version now.`);
        }
        const result = await inner.read(path, version > 0 ? { ...options, ifMatch: undefined } : options);
        const stat = result.stat && seen(result.stat, fault);
        return { ...result, stat, body: spoilt(result, fault, path, options.signal) };
      },
      async write(path, body, options) {
        await before(next("write"), path, options?.signal);
        return (inner.write as NonNullable<StorageAdapter["write"]>)(path, body, options);
      },
      async delete(path, options) {
        await before(next("delete"), path, options?.signal);
        await inner.delete?.(path, options);
      },
    });
  };
}

async function before(
  fault: StorageFault | undefined,
  path: string,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (fault?.does === "error") throw toError(fault, path);
  if (fault?.does === "stall") await hang(signal);
}

async function* list(
  inner: StorageAdapter,
  fault: StorageFault | undefined,
  folder: Parameters<StorageAdapter["list"]>[0],
  options: Parameters<StorageAdapter["list"]>[1],
  seen: (stat: FileStat, fault: StorageFault | undefined) => FileStat,
): AsyncGenerator<FileStat> {
  let left = fault?.afterItems ?? 0;
  const ends = fault?.does === "error" || fault?.does === "stall";
  for await (const item of inner.list(folder, options)) {
    if (ends && left === 0) await before(fault, folder, options?.signal);
    left -= 1;
    yield seen(item, fault);
  }
  if (ends && left >= 0) await before(fault, folder, options?.signal);
}

function spoilt(
  { body }: ReadResult,
  fault: StorageFault | undefined,
  path: string,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  const { does, afterBytes = 0 } = fault ?? {};
  if (does === "cut") return faultyBody(body, afterBytes, () => Promise.reject(toError(fault, path)));
  if (does === "truncate") return faultyBody(body, afterBytes, () => Promise.resolve(undefined));
  if (does === "stall") return faultyBody(body, afterBytes, () => hang(signal));
  if (does === "extend") return faultyBody(body, Infinity, () => Promise.resolve(new Uint8Array(16)));
  return body;
}

function toError(fault: StorageFault | undefined, path: string): AmlError {
  const { code = "unavailable", retryAfterMs } = fault ?? {};
  return new AmlError(code, `A scripted fault hit ${JSON.stringify(path)}.`, { retryAfterMs });
}

function skewed(date: Date | undefined, skewMs = 0): Date | undefined {
  return date && new Date(date.getTime() + skewMs);
}

function hang(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal?.reason as Error);
    if (signal?.aborted) abort();
    else signal?.addEventListener("abort", abort, { once: true });
  });
}

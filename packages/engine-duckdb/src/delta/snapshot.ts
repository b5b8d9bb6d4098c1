import type { FileRef } from "@aml/core";
import type { Gate, Stager } from "@aml/staging";
import type { InstancePool } from "../instance-pool.ts";
import type { AddFile, Metadata } from "./delta-actions.ts";
import type { DeltaLog } from "./delta-log.ts";

export interface SnapshotContext {
  readonly stager: Stager;
  readonly gate: Gate;
  readonly workFolder: string;
  readonly instances: InstancePool;
  readonly signal: AbortSignal | undefined;
  /** Whether what the log says of the files' columns is of use. */
  readonly keepStats?: boolean | undefined;
}

/** A version of a Delta table. */
export interface Snapshot {
  readonly log: DeltaLog;
  readonly version: number;
  readonly metadata: Metadata;
  /** In ascending order of their paths. */
  readonly files: readonly AddFile[];
}

/** The whole text of a file of the log. */
export async function readText(file: FileRef, { signal }: SnapshotContext): Promise<string> {
  const { etag } = file.stat;
  const { body } = await file.storage.read(file.stat.path, {
    signal,
    ...(etag === undefined ? {} : { ifMatch: etag }),
  });
  return new Response(body as ReadableStream<Uint8Array<ArrayBuffer>>).text();
}

import { AmlError, isAmlError, joinStorePath, type FileRef } from "@aml/core";
import { mapFiles, stageFile, type InspectContext } from "../inspect-context.ts";
import type { AddFile, DeletionVector } from "./delta-actions.ts";
import type { DeltaLog } from "./delta-log.ts";
import { cutVector, decodeVector, decodeZ85, vectorFileName } from "./deletion-vector.ts";
import { open } from "node:fs/promises";

/**
 * A file that the log names, as the store has it.
 *
 * @throws `unsupported` for a path in another place than the table; `path_invalid` for one that climbs out of it;
 * `not_found` for a file that is gone.
 */
export async function lookUp(
  log: DeltaLog,
  path: string,
  signal: AbortSignal | undefined,
  size?: number,
): Promise<FileRef> {
  const own = path.startsWith(`${log.uri}/`) ? path.slice(log.uri.length + 1) : path;
  if (/^([a-z][\w+.-]*:)?\//i.test(own)) {
    throw new AmlError(
      "unsupported",
      `The Delta table ${log.uri} names a file outside of its folder: ${path}`,
      {
        hint: "Tables that share files with others (shallow clones) are not read; copy the table whole.",
        context: { uri: log.uri, path },
      },
    );
  }
  const relativePath = joinStorePath(decoded(own, log));
  const spelt = log.uri.startsWith("azureml:")
    ? relativePath
    : encodeURI(relativePath).replace(/[?#]/g, encodeURIComponent);
  const uri = `${log.uri}/${spelt}`;
  const stat = await log.storage
    .stat(joinStorePath(log.root, relativePath), { signal })
    .catch((error: unknown) => {
      if (!isAmlError(error, "not_found")) throw error;
      throw new AmlError("not_found", `${uri} is gone, and this version of the Delta table needs it.`, {
        hint: "VACUUM deletes files of old versions: read a newer version, or restore the file.",
        context: { uri, table: log.uri },
        cause: error,
      });
    });
  if (stat.kind === "file" && (size === undefined || stat.size === size)) {
    return { uri, relativePath, stat, storage: log.storage };
  }
  throw new AmlError("precondition_failed", `${uri} is not the file that the Delta table's log added.`, {
    hint: `The log says ${size} bytes, the store ${stat.size}: restore the file.`,
    context: { uri },
  });
}

function decoded(path: string, { uri }: DeltaLog): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new AmlError("parse_failed", `The log of the Delta table ${uri} has a path that is none: ${path}`, {
      hint: "The log is damaged; restore it.",
      context: { uri, path },
      cause,
    });
  }
}

/** The numbers of deleted rows of each file that has any, by the file's place. */
export async function deletedRows(
  log: DeltaLog,
  files: readonly AddFile[],
  context: Omit<InspectContext, "encoding">,
): Promise<ReadonlyMap<number, readonly number[]>> {
  const staged = new Map<string, Promise<string>>();
  const out = new Map<number, readonly number[]>();
  await mapFiles(files, async ({ path, deletionVector: vector }, at) => {
    if (vector === undefined || vector.cardinality === 0) return;
    const name = `${log.uri}/${path}`;
    const bytes = await vectorBytes(log, vector, name, async (below) => {
      const known =
        staged.get(below) ??
        lookUp(log, below, context.signal).then((file) =>
          stageFile({ ...context, encoding: undefined }, file),
        );
      staged.set(below, known);
      return known;
    });
    out.set(at, decodeVector(bytes, vector.cardinality, name));
  });
  return out;
}

async function vectorBytes(
  log: DeltaLog,
  { storageType, pathOrInlineDv, offset = 1, sizeInBytes }: DeletionVector,
  name: string,
  stage: (path: string) => Promise<string>,
): Promise<Uint8Array> {
  let bytes: Uint8Array | undefined;
  if (storageType === "i") bytes = decodeZ85(pathOrInlineDv)?.subarray(0, sizeInBytes);
  else if (storageType === "u" || storageType === "p") {
    const path = storageType === "p" ? pathOrInlineDv : vectorFileName(pathOrInlineDv);
    if (path !== undefined) bytes = await readPart(await stage(path), offset, sizeInBytes);
  } else {
    throw new AmlError(
      "unsupported",
      `A deletion vector of the Delta table ${log.uri} is of kind ${storageType}.`,
      {
        hint: "Known are u, i and p.",
        context: { uri: name },
      },
    );
  }
  if (bytes !== undefined) return bytes;
  throw new AmlError("parse_failed", `The deletion vector of ${name} is damaged.`, {
    hint: "Restore the vector's file; without it deleted rows would come back.",
    context: { uri: name },
  });
}

/** The first byte of a file of vectors is its format's version. */
async function readPart(path: string, offset: number, size: number): Promise<Uint8Array | undefined> {
  const handle = await open(path);
  try {
    if (offset + size + 8 > (await handle.stat()).size) return undefined;
    const part = Buffer.alloc(size + 9);
    await handle.read(part, 0, 1, 0);
    await handle.read(part, 1, size + 8, offset);
    return cutVector(part, 1, size);
  } finally {
    await handle.close();
  }
}

import { open } from "node:fs/promises";
import { join } from "node:path";
import { AmlError, type FileRef } from "@aml/core";
import type { StagedFile, Stager } from "@aml/staging";
import type { Scope } from "./scope.ts";

/** A footer and what it says of its length: most are shorter. */
const TAIL_BYTES = 64 * 1024;

/**
 * A stager for looking at files that does not fetch them: one that is not on this machine is given as a file of its length
 * with its footer alone, if it is Parquet, and as nothing else. For names and types only: the rest of it is zeros.
 */
export function lookingStager(stager: Stager, scope: Scope): Stager {
  let count = 0;
  return {
    ...stager,
    async stage(file, options) {
      if (await stager.isHere(file, options)) return stager.stage(file, options);
      const tail = options?.transform === undefined ? await footerOf(file, options?.signal) : undefined;
      if (tail === undefined) throw notHere(file);
      const localPath = join(scope.folder, `footer-${(count += 1)}.parquet`);
      const handle = await open(localPath, "w");
      try {
        await handle.truncate(file.stat.size);
        await handle.write(tail, 0, tail.length, file.stat.size - tail.length);
      } finally {
        await handle.close();
      }
      return {
        localPath,
        file,
        check: () => Promise.resolve(),
        release: () => Promise.resolve(),
      } satisfies StagedFile;
    },
  };
}

/** The last bytes of a Parquet file, with all of its footer; undefined for another file. */
async function footerOf(file: FileRef, signal: AbortSignal | undefined): Promise<Buffer | undefined> {
  const tail = await readEnd(file, Math.min(TAIL_BYTES, file.stat.size), signal);
  if (tail.length < 12 || tail.toString("latin1", tail.length - 4) !== "PAR1") return undefined;
  const whole = tail.readUInt32LE(tail.length - 8) + 8;
  if (whole > file.stat.size) return undefined;
  return whole <= tail.length ? tail : readEnd(file, whole, signal);
}

async function readEnd(file: FileRef, length: number, signal: AbortSignal | undefined): Promise<Buffer> {
  const { path, size, etag } = file.stat;
  if (length === 0) return Buffer.alloc(0);
  const { body } = await file.storage.read(path, {
    signal,
    range: { offset: size - length, length },
    ...(etag === undefined ? {} : { ifMatch: etag }),
  });
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (bytes.length === length) return bytes;
  throw new AmlError("precondition_failed", `${file.uri} has changed since it was listed: its end is gone.`, {
    hint: "List the files again.",
    context: { uri: file.uri },
  });
}

function notHere({ uri }: FileRef): AmlError {
  return new AmlError("unavailable", `${uri} would have to be fetched whole to know its columns.`, {
    context: { uri },
  });
}

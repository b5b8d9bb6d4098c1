import { Readable } from "node:stream";
import * as zlib from "node:zlib";
import { AmlError, isAmlError } from "@aml/core";
import type { StageTransform } from "./stage-transform.ts";

/**
 * The transform that unpacks a file, judged by the ending of its name: `.gz` and `.zst`; none for other names.
 *
 * Iterating throws `parse_failed` for a damaged or cut archive, and `unsupported` for `.zst` on a runtime whose zlib
 * has no Zstandard (Node before 22.15).
 */
export function decompressionFor(name: string): StageTransform | undefined {
  const lower = name.toLowerCase();
  if (lower.endsWith(".gz")) return unpack("gunzip", () => zlib.createGunzip());
  if (lower.endsWith(".zst")) return unpack("unzstd", zstd);
  return undefined;
}

function zstd(): NodeJS.ReadWriteStream {
  const create: (() => NodeJS.ReadWriteStream) | undefined = zlib.createZstdDecompress;
  if (create === undefined) {
    throw new AmlError("unsupported", "This runtime cannot read Zstandard files.", {
      hint: "Use Node 22.15 or newer, or compress with gzip.",
    });
  }
  return create();
}

function unpack(id: string, create: () => NodeJS.ReadWriteStream): StageTransform {
  return {
    id,
    async *apply(chunks, file) {
      const source = Readable.from(chunks, { objectMode: false });
      const unpacker = create();
      source.once("error", (error) => (unpacker as unknown as Readable).destroy(error));
      source.pipe(unpacker);
      try {
        for await (const chunk of unpacker) yield chunk as unknown as Uint8Array;
      } catch (error) {
        if (isAmlError(error) || !String((error as { code?: unknown }).code).startsWith("Z")) throw error;
        throw new AmlError("parse_failed", `${file.uri} is damaged or cut: ${(error as Error).message}.`, {
          hint: "Upload the file again, or correct its name if it is not compressed.",
          context: { uri: file.uri },
          cause: error,
        });
      } finally {
        source.destroy();
      }
    },
  };
}

import { AmlError } from "./aml-error.ts";
import { copyFiles } from "./copy-files.ts";
import type { ContentHash } from "./copy-types.ts";
import type { DownloadOptions, DownloadReport } from "./dataset.ts";
import type { FileRef } from "./engine.ts";
import type { StorePath } from "./storage.ts";
import { joinStorePath } from "./store-path.ts";
import type { Copy } from "./transfer-file.ts";
import type { LocatedPath } from "./workspace.ts";

/** Copies the files of a dataset below a folder, all or none; see `FileDataset.download`. */
export async function downloadFiles(
  files: AsyncIterable<FileRef>,
  target: LocatedPath,
  options: DownloadOptions,
  createHash: (() => ContentHash) | undefined,
): Promise<DownloadReport> {
  const copies = await planCopies(files, target.path);
  const job = { copies: () => copies, sorted: false, target, createHash, resumes: false };
  const { bytes } = await copyFiles(job, options);
  return { files: copies.map(({ to }) => target.uriOf(to)), bytes };
}

async function planCopies(files: AsyncIterable<FileRef>, folder: string): Promise<Copy[]> {
  const sources = new Map<StorePath, string>();
  const copies: Copy[] = [];
  for await (const file of files) {
    const to = joinStorePath(folder, file.relativePath);
    const other = sources.get(to);
    if (other === file.uri) continue;
    if (other !== undefined) {
      throw new AmlError("already_exists", `${other} and ${file.uri} would both become ${to}.`, {
        hint: "Download them to different folders.",
      });
    }
    sources.set(to, file.uri);
    copies.push({ file, to });
  }
  return copies;
}

import { type Command, InvalidArgumentError, Option } from "commander";
import { type Action, examples } from "./action.ts";
import type { CopyFlags } from "./commands/cp.ts";

/** `aml cp` */
export function addCopyCommand(program: Command, action: Action): void {
  program
    .command("cp")
    .description("copy files between any two stores, or this machine; run again, it goes on where it stopped")
    .argument("<source>", "file, folder (with --recursive) or glob: URI or path")
    .argument("<target>", "URI or path; a file goes into a folder that is there, or that ends in /")
    .option("-r, --recursive", "the files of a folder, and of those below it")
    .option("--overwrite", "replace files of another content")
    .option("--dry-run", "say what would be copied, and copy nothing")
    .option("--verify", "read each copy again and compare its hash")
    .addOption(new Option("--concurrency <files>", "files at a time (default 8)").argParser(atLeastOne))
    .addHelpText(
      "after",
      examples([
        "aml cp results.csv azureml://datastores/lake/paths/2025/",
        "aml cp --recursive azureml://datastores/lake/paths/photos ./photos",
        "aml cp 'azureml://datastores/lake/paths/**/*.parquet' azureml://datastores/backup/paths/lake",
        "aml cp --recursive --dry-run data azureml://datastores/lake/paths/data",
      ]),
    )
    .action(
      action(async (session, flags: CopyFlags, source, target) =>
        (await import("./commands/cp.ts")).cp(session, flags, source ?? "", target ?? ""),
      ),
    );
}

function atLeastOne(text: string): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= 1 && count <= 256) return count;
  throw new InvalidArgumentError("Give a number from 1 to 256.");
}

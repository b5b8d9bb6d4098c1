import { type Command, Option } from "commander";
import type { DownloadFlags, RegisterFlags } from "./commands/dataset.ts";
import { type Action, examples } from "./action.ts";
import type { GlobalFlags } from "./session.ts";
import { readOption } from "./table-commands.ts";

const body = async () => import("./commands/dataset.ts");

const list = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** `aml dataset …` */
export function addDatasetCommands(program: Command, action: Action): void {
  const dataset = program.command("dataset").description("named, versioned references to data");
  dataset
    .command("register")
    .description("add a version; the same recipe over the same files gives the version that is there")
    .argument("<name>")
    .argument("<source>", "MLTable folder, data file or glob, or azureml:NAME[:VERSION]")
    .option("--file", "a dataset of files, whatever they hold")
    .addOption(readOption())
    .option("--description <text>", "for people")
    .addOption(new Option("--tag <key=value>", "may be repeated").argParser(list))
    .option("--no-pin", "do not record the exact files: the version then reads what is there at the time")
    .addHelpText(
      "after",
      examples([
        "aml dataset register trips 'azureml://datastores/lake/paths/2025/*.parquet'",
        "aml dataset register photos azureml://datastores/lake/paths/photos/ --file",
      ]),
    )
    .action(
      action(async (session, flags: RegisterFlags, name, source) =>
        (await body()).registerDataset(session, flags, name ?? "", source ?? ""),
      ),
    );
  dataset
    .command("list")
    .description("list the newest version of each dataset, or all versions of one")
    .argument("[name]")
    .addHelpText("after", examples(["aml dataset list", "aml dataset list trips"]))
    .action(action(async (session, _flags: GlobalFlags, name) => (await body()).listDatasets(session, name)));
  dataset
    .command("show")
    .description("print one version, by default the newest")
    .argument("<name>", "NAME, NAME:VERSION or NAME@latest")
    .addHelpText("after", examples(["aml dataset show trips:1"]))
    .action(
      action(async (session, _flags: GlobalFlags, name) => (await body()).showDataset(session, name ?? "")),
    );
  dataset
    .command("download")
    .description("copy the files of a dataset, or of a path, into a folder")
    .argument("<source>", "NAME[:VERSION], or URI, path or glob")
    .requiredOption("-o, --output <folder>", "path or URI")
    .option("--overwrite", "replace files of the same names")
    .addHelpText(
      "after",
      examples([
        "aml dataset download trips:1 --output ./trips",
        "aml dataset download 'azureml://datastores/lake/paths/photos/**' -o ./photos",
      ]),
    )
    .action(
      action(async (session, flags: DownloadFlags, source) =>
        (await body()).downloadDataset(session, flags, source ?? ""),
      ),
    );
}

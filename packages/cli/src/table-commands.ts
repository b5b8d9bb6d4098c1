import { type Command, InvalidArgumentError, Option } from "commander";
import type { ExportFlags, TableFlags } from "./commands/table.ts";
import { type Action, examples } from "./action.ts";
import type { GlobalFlags } from "./session.ts";

const body = async () => import("./commands/table.ts");

/** `aml table …` and `aml mltable …` */
export function addTableCommands(program: Command, action: Action): void {
  const table = program.command("table").description("read tables");
  const read = (name: string, description: string, lines: readonly string[]): Command =>
    table
      .command(name)
      .description(description)
      .argument("<source>", "MLTable folder, data file or glob, or azureml:NAME[:VERSION]")
      .option(
        "--filter <expression>",
        "keep rows for which this holds, e.g. \"fare > 10 and city == 'Oslo'\"",
      )
      .option("--keep <columns>", "keep these columns, separated by commas", (value) => value.split(","))
      .addHelpText("after", examples(lines));
  read("show", "print the first rows", [
    "aml table show 'data/*.csv'",
    "aml table show azureml:trips:1 --limit 5 --filter 'fare > 10' --keep fare,tip",
  ])
    .option("--limit <rows>", "rows at most", wholeNumber, 20)
    .action(
      action(async (session, flags: TableFlags, source) =>
        (await body()).showTable(session, flags, source ?? ""),
      ),
    );
  read("export", "write the whole table as one file, or to stdout", [
    "aml table export azureml:trips --format jsonl | head",
    "aml table export data/ --format parquet --output trips.parquet",
  ])
    .addOption(new Option("--format <format>").choices(["jsonl", "csv", "parquet"]).makeOptionMandatory())
    .option("-o, --output <file>", "path or URI; written whole or not at all")
    .option("--overwrite", "replace the file of that name")
    .option("--limit <rows>", "rows at most", wholeNumber)
    .action(
      action(async (session, flags: ExportFlags, source) =>
        (await body()).exportTable(session, flags, source ?? ""),
      ),
    );
  read("schema", "print names and types of the columns", ["aml table schema trips.parquet"]).action(
    action(async (session, flags: TableFlags, source) =>
      (await body()).showSchema(session, flags, source ?? ""),
    ),
  );
  program
    .command("mltable")
    .description("MLTable files")
    .command("validate")
    .description("check an MLTable file, and print every error with line and column")
    .argument("<folder>", "the folder that holds the MLTable file")
    .addHelpText("after", examples(["aml mltable validate ./trips"]))
    .action(
      action(async (session, _flags: GlobalFlags, folder) =>
        (await import("./commands/mltable.ts")).validateMLTable(session, folder ?? ""),
      ),
    );
}

function wholeNumber(value: string): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && Number.isSafeInteger(number)) return number;
  throw new InvalidArgumentError("It must be a whole number, 0 or more.");
}

import { type Command, InvalidArgumentError, Option } from "commander";
import type { ConvertFlags } from "./commands/mltable-convert.ts";
import type { SqlFlags } from "./commands/table-sql.ts";
import type { ExportFlags, ProfileFlags, SchemaFlags, TableFlags } from "./commands/table.ts";
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
      .argument(
        "<source>",
        "MLTable folder, data file or glob, folder of a Delta table or of files of one format, or azureml:NAME[:VERSION]",
      )
      .addOption(readOption())
      .option(
        "--filter <expression>",
        "keep rows for which this holds, e.g. \"fare > 10 and city == 'Oslo'\"",
      )
      .option("--keep <columns>", "keep these columns, separated by commas", (value) => value.split(","))
      .addHelpText("after", examples(lines));
  read("show", "print the first rows", [
    "aml table show 'data/*.csv'",
    "aml table show azureml:trips:1 --limit 5 --filter 'fare > 10' --keep fare,tip",
    "aml table show sales.csv --read 'delimiter=;' --read encoding=windows1252",
  ])
    .option("--limit <rows>", "rows at most", wholeNumber, 20)
    .addOption(onError())
    .action(
      action(async (session, flags: TableFlags, source) =>
        (await body()).showTable(session, flags, source ?? ""),
      ),
    );
  read("head", "print the first 5 rows", ["aml table head trips.parquet", "aml table head data/ --limit 10"])
    .option("--limit <rows>", "rows at most", wholeNumber, 5)
    .addOption(onError())
    .action(
      action(async (session, flags: TableFlags, source) =>
        (await body()).showTable(session, flags, source ?? ""),
      ),
    );
  read("export", "write the whole table as one file, or to stdout", [
    "aml table export azureml:trips --format jsonl | head",
    "aml table export data/ --format parquet --output trips.parquet",
  ])
    .addOption(
      new Option("--format <format>")
        .choices(["jsonl", "csv", "parquet", "arrow", "feather"])
        .makeOptionMandatory(),
    )
    .option("-o, --output <file>", "path or URI; written whole or not at all")
    .option("--overwrite", "replace the file of that name")
    .option("--limit <rows>", "rows at most", wholeNumber)
    .addOption(onError())
    .action(
      action(async (session, flags: ExportFlags, source) =>
        (await body()).exportTable(session, flags, source ?? ""),
      ),
    );
  read("schema", "print names and types of the columns", [
    "aml table schema trips.parquet",
    "aml table schema 'data/*.csv' --explain --rows all",
    "aml table schema events.jsonl --explain",
    "aml table schema ./trips --lossless --save",
    "aml table schema sales.csv --read 'delimiter=;' --save ./sales",
  ])
    .option("--explain", "of delimited files and JSON lines, tell which file, row and value forced each type")
    .option("--rows <rows>", "infer types from so many rows, or from all", rowsOrAll)
    .option(
      "--lossless",
      "of delimited files, keep as text what a number would not give back: leading zeros, more digits than fit",
    )
    .option(
      "--save [folder]",
      "write the types into the MLTable file, as overrides or conversions; or a new one into a folder",
    )
    .action(
      action(async (session, flags: SchemaFlags, source) =>
        (await body()).showSchema(session, flags, source ?? ""),
      ),
    );
  read("explain", "print what reading would do: files left out, bytes to fetch, SQL, what a database does", [
    "aml table explain 'data/*.csv' --filter 'fare > 10'",
    "aml table explain azureml:trips --json",
  ])
    .option("--limit <rows>", "rows at most", wholeNumber)
    .action(
      action(async (session, flags: TableFlags, source) =>
        (await body()).explainTable(session, flags, source ?? ""),
      ),
    );
  read("profile", "print counts, quantiles and a histogram of every column", [
    "aml table profile trips.parquet",
    "aml table profile azureml:trips --keep fare,tip --json",
    "aml table profile 'trips/*.parquet' --state trips.profile.json",
  ])
    .option("--state <file>", "keep what is known of each file here, and read just files that are new")
    .action(
      action(async (session, flags: ProfileFlags, source) =>
        (await body()).showProfile(session, flags, source ?? ""),
      ),
    );
  addSqlCommand(table, action);
  const mltable = program.command("mltable").description("MLTable files");
  mltable
    .command("validate")
    .description("check an MLTable file, and print every error with line and column")
    .argument("<folder>", "the folder that holds the MLTable file")
    .addHelpText("after", examples(["aml mltable validate ./trips"]))
    .action(
      action(async (session, _flags: GlobalFlags, folder) =>
        (await import("./commands/mltable.ts")).validateMLTable(session, folder ?? ""),
      ),
    );
  mltable
    .command("convert")
    .description("print a v1 dataset definition as an MLTable, or an MLTable as a v1 definition")
    .argument("<source>", "JSON file of Dataflow.to_json(), or the folder that holds the MLTable file")
    .option("--strict", "fail when rows or types would come out differently")
    .addHelpText(
      "after",
      examples(["aml mltable convert trips.json > trips/MLTable", "aml mltable convert ./trips --strict"]),
    )
    .action(
      action(async (session, flags: ConvertFlags, source) =>
        (await import("./commands/mltable-convert.ts")).convertMLTable(session, flags, source ?? ""),
      ),
    );
}

function onError(): Option {
  const text = "what becomes of a value that cannot be converted: null, which is told, or an error";
  return new Option("--on-error <outcome>", text).choices(["null", "fail"]);
}

function rowsOrAll(value: string): number | "all" {
  if (value === "all") return value;
  if (/^[1-9]\d*$/.test(value) && Number.isSafeInteger(Number(value))) return Number(value);
  throw new InvalidArgumentError('It must be a whole number from 1, or "all".');
}

/** `aml table sql` */
function addSqlCommand(table: Command, action: Action): void {
  table
    .command("sql")
    .description("run one SELECT over tables: of files, of databases, or of both")
    .argument("<select>", "in the SQL of DuckDB; it can read the tables that are given, and nothing else")
    .option(
      "--table <name=source>",
      "a table: MLTable folder, data file or glob, or azureml:NAME",
      collect,
      [],
    )
    .addOption(readOption())
    .option(
      "--query <name=datastore:sql>",
      "a table that a database answers with, in its own SQL",
      collect,
      [],
    )
    .addOption(
      new Option("--format <format>", "table unless given; all rows in the others").choices([
        "table",
        "jsonl",
        "csv",
        "parquet",
      ]),
    )
    .addOption(onError())
    .option("--limit <rows>", "rows of a table that are shown at most", wholeNumber, 20)
    .option("-o, --output <file>", "path or URI; written whole or not at all")
    .option("--overwrite", "replace the file of that name")
    .option("--explain", "tell of each table what would be read, and read no rows")
    .addHelpText(
      "after",
      examples([
        "aml table sql 'select city, sum(fare) from trips group by all' --table 'trips=data/*.csv'",
        "aml table sql 'select * from f join o using (id)' --table f=azureml:fares --query 'o=shop:select * from orders'",
      ]),
    )
    .action(
      action(async (session, flags: SqlFlags, text) =>
        (await import("./commands/table-sql.ts")).runSql(session, flags, text ?? ""),
      ),
    );
}

/** `--read`, of commands that open a source. */
export function readOption(): Option {
  const text =
    "how data files are read: an option of MLTable's step, e.g. 'delimiter=;', encoding=windows1252 or header=no_header; may be repeated";
  return new Option("--read <key=value>", text).argParser(collect);
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function wholeNumber(value: string): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && Number.isSafeInteger(number)) return number;
  throw new InvalidArgumentError("It must be a whole number, 0 or more.");
}

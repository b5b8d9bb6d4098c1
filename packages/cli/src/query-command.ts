import { type Command, InvalidArgumentError, Option } from "commander";
import { type Action, examples } from "./action.ts";
import type { QueryFlags } from "./commands/query.ts";

/** `aml query` */
export function addQueryCommand(program: Command, action: Action): void {
  program
    .command("query")
    .description("ask a database, and print the rows of the answer")
    .argument("<name>", "datastore that is a database")
    .argument("<sql>", "one statement in the database's own SQL; :name stands for a parameter")
    .option("--param <name=value>", "value of a parameter, as text: it is bound, never pasted", collect, [])
    .addOption(
      new Option("--format <format>", "table unless given")
        .choices(["table", "jsonl", "csv"])
        .conflicts("json"),
    )
    .addOption(new Option("--limit <rows>", "rows at most; 20 for a table, else all").argParser(wholeNumber))
    .addOption(new Option("--timeout <seconds>", "time to wait for the database, in all").argParser(seconds))
    .addHelpText(
      "after",
      examples([
        'aml query shop "select * from orders where city = :city" --param city=Oslo',
        'aml query shop "select * from orders" --format csv > orders.csv',
        'aml query shop "select count(*) from orders" --json',
      ]),
    )
    .action(
      action(async (session, flags: QueryFlags, name, sql) =>
        (await import("./commands/query.ts")).query(session, flags, name ?? "", sql ?? ""),
      ),
    );
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError("It must be a whole number, 0 or more.");
}

function seconds(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1_000_000) return value;
  throw new InvalidArgumentError("Give seconds, above 0.");
}

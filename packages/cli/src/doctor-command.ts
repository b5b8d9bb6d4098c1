import { type Command, InvalidArgumentError, Option } from "commander";
import { type Action, examples } from "./action.ts";
import type { DoctorFlags } from "./commands/doctor.ts";

/** `aml doctor` */
export function addDoctorCommand(program: Command, action: Action): void {
  program
    .command("doctor")
    .description("walk the way to a datastore hop by hop, and tell what is broken and what to do")
    .argument("<name>", "datastore")
    .option("--path <path>", "file or folder in the store to try; its root unless given")
    .option("--write", "also write a small file of a new name, and delete it")
    .addOption(new Option("--timeout <seconds>", "for each hop (default 10)").argParser(seconds))
    .addHelpText(
      "after",
      examples([
        "aml doctor lake",
        "aml doctor lake --path 2025/trips.csv --write",
        "aml doctor lake --json",
      ]),
    )
    .action(
      action(async (session, flags: DoctorFlags, name) =>
        (await import("./commands/doctor.ts")).doctor(session, flags, name ?? ""),
      ),
    );
}

function seconds(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 600) return value;
  throw new InvalidArgumentError("Give seconds, from above 0 to 600.");
}

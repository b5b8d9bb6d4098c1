import { Command, Option } from "commander";
import { readFileSync } from "node:fs";
import { type Action, createAction, examples } from "./action.ts";
import { addCopyCommand } from "./copy-command.ts";
import { addDatasetCommands } from "./dataset-commands.ts";
import { addDatastoreCommands } from "./datastore-commands.ts";
import { exitCodesText } from "./exit-code.ts";
import { addDoctorCommand } from "./doctor-command.ts";
import { addQueryCommand } from "./query-command.ts";
import type { GlobalFlags } from "./session.ts";
import { addTableCommands } from "./table-commands.ts";
import { withoutValues } from "./without-values.ts";
import type { Terminal } from "./terminal.ts";

/** The whole command line. Bodies of commands are imported when they run. */
export function createProgram(terminal: Terminal, json: boolean): Command {
  const program = new Command("aml")
    .description("Datastores, datasets and MLTables, on this machine.")
    .version(version(), "--version", "print the version")
    .addOption(new Option("--workspace <folder>", "look for aml.config.json from here upwards"))
    .addOption(new Option("--json", "print JSON on stdout, and errors as JSON on stderr"))
    .addOption(new Option("--verbose", "print the causes of an error"))
    .addOption(new Option("--offline", "send nothing: read what is on this machine and in the cache"))
    .addOption(new Option("--no-cache", "keep no copy of a remote file, and use none that is kept"))
    .helpOption("-h, --help", "print help")
    .helpCommand(false)
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => terminal.stdout.write(text),
      writeErr: (text) => {
        if (!json) terminal.stderr.write(withoutValues(text));
      },
    })
    .addHelpText("after", examples(["aml init", "aml table show data/*.csv", "aml help exit-codes"]));
  const action = createAction(terminal);
  addWorkspaceCommands(program, action);
  addCopyCommand(program, action);
  addDoctorCommand(program, action);
  addDatastoreCommands(program, action);
  addTableCommands(program, action);
  addQueryCommand(program, action);
  addDatasetCommands(program, action);
  addHelpCommand(program, terminal);
  return program;
}

function addWorkspaceCommands(program: Command, action: Action): void {
  program
    .command("init")
    .description("make a folder a workspace: write aml.config.json and the folder .aml")
    .argument("[folder]", "default: the current folder")
    .addHelpText("after", examples(["aml init", "aml init ./my-project"]))
    .action(
      action(async (session, _flags, folder) => (await import("./commands/init.ts")).init(session, folder)),
    );
  program
    .command("ls")
    .description("list the files at a URI: a datastore's root, a folder, a file or a glob")
    .argument("<uri>", "URI or path")
    .option("-r, --recursive", "all files below, instead of one level")
    .addHelpText(
      "after",
      examples([
        "aml ls azureml://datastores/lake",
        "aml ls 'azureml://datastores/lake/paths/2025/**/*.parquet'",
        "aml ls --recursive data/",
      ]),
    )
    .action(
      action(async (session, flags: GlobalFlags & { recursive?: boolean }, uri) =>
        (await import("./commands/ls.ts")).ls(session, uri ?? "", flags.recursive === true),
      ),
    );
}

function addHelpCommand(program: Command, terminal: Terminal): void {
  program
    .command("help")
    .description("print help for a command, or 'exit-codes'")
    .argument("[topic...]")
    .action((topics: string[]) => {
      if (topics[0] === "exit-codes") {
        terminal.stdout.write(exitCodesText());
        return;
      }
      let command = program;
      for (const topic of topics) {
        const next = command.commands.find((candidate) => candidate.name() === topic);
        if (next === undefined)
          command.error(`error: unknown command '${topics.join(" ")}'`, { exitCode: 2 });
        command = next as Command;
      }
      command.outputHelp();
    });
}

function version(): string {
  // Beside src and beside dist alike.
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

import { type Command, CommanderError } from "commander";
import { createProgram } from "./program.ts";
import { hasColor } from "./session.ts";
import { withoutValues } from "./without-values.ts";
import { Interruption, type Terminal } from "./terminal.ts";

/**
 * Runs one command line.
 *
 * @param argv - without the program's own name.
 * @returns the exit code.
 */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const json = argv.includes("--json");
  const program = createProgram(terminal, json);
  try {
    await program.parseAsync([...argv], { from: "user" });
    return 0;
  } catch (error) {
    if (terminal.signal.aborted && terminal.signal.reason instanceof Interruption) {
      return terminal.signal.reason.exitCode;
    }
    if (error instanceof Interruption) return error.exitCode;
    if (error instanceof CommanderError) return usageError(error, terminal, json, commandLine(program, argv));
    const { reportError } = await import("./report-error.ts");
    const verbose = argv.includes("--verbose");
    return reportError(error, terminal.stderr, { json, verbose, color: hasColor(terminal) });
  }
}

/** The command that the first words name, as far as there is one. */
function commandLine(program: Command, argv: readonly string[]): string {
  let command = program;
  const names = [program.name()];
  for (const word of argv) {
    const next = command.commands.find((candidate) => candidate.name() === word);
    if (next === undefined) continue;
    command = next;
    names.push(word);
  }
  return names.join(" ");
}

/** Commander has printed its message already, unless that has to be JSON. */
function usageError(error: CommanderError, { stderr }: Terminal, json: boolean, command: string): number {
  // Help that was asked for, or that stands in for a missing command.
  if (error.exitCode === 0) return 0;
  if (error.code === "commander.help") return 2;
  const message = withoutValues(error.message.replace(/^error: /, "")).trim();
  const hint =
    error.code === "commander.excessArguments"
      ? `See '${command} --help'; a pattern such as 'data/*.csv' needs quotes, or the shell replaces it.`
      : `See '${command} --help'.`;
  const code = "config_invalid";
  stderr.write(
    json
      ? `${JSON.stringify({ error: { code, message, hint, context: {}, exitCode: 2 } })}\n`
      : `hint: ${hint}\ncode: ${code}\n`,
  );
  return 2;
}

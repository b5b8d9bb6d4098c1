import { CommanderError } from "commander";
import { createProgram } from "./program.ts";
import { hasColor } from "./session.ts";
import { Interruption, type Terminal } from "./terminal.ts";

/**
 * Runs one command line.
 *
 * @param argv - without the program's own name.
 * @returns the exit code.
 */
export async function run(argv: readonly string[], terminal: Terminal): Promise<number> {
  const json = argv.includes("--json");
  try {
    await createProgram(terminal, json).parseAsync([...argv], { from: "user" });
    return 0;
  } catch (error) {
    if (terminal.signal.aborted && terminal.signal.reason instanceof Interruption) {
      return terminal.signal.reason.exitCode;
    }
    if (error instanceof Interruption) return error.exitCode;
    if (error instanceof CommanderError) return usageError(error, terminal, json);
    const { reportError } = await import("./report-error.ts");
    const verbose = argv.includes("--verbose");
    return reportError(error, terminal.stderr, { json, verbose, color: hasColor(terminal) });
  }
}

/** Commander has printed its message already, unless that has to be JSON. */
function usageError(error: CommanderError, { stderr }: Terminal, json: boolean): number {
  // Help that was asked for, or that stands in for a missing command.
  if (error.exitCode === 0) return 0;
  if (error.code === "commander.help") return 2;
  const message = error.message.replace(/^error: /, "");
  const hint = "See 'aml --help'.";
  const code = "config_invalid";
  stderr.write(
    json
      ? `${JSON.stringify({ error: { code, message, hint, context: {}, exitCode: 2 } })}\n`
      : `hint: ${hint}\ncode: ${code}\n`,
  );
  return 2;
}

import type { Command } from "commander";
import { type GlobalFlags, type Session, withSession } from "./session.ts";
import type { Terminal } from "./terminal.ts";

/** Makes a command's action of its body. */
export type Action = (
  // Each body names the flags that its own command declares.
  body: (session: Session, flags: never, ...args: (string | undefined)[]) => Promise<void>,
) => (...call: unknown[]) => Promise<void>;

/** Runs bodies with a session on `terminal` and the flags of their command line. */
export function createAction(terminal: Terminal): Action {
  return (body) =>
    async (...call) => {
      // Commander gives the arguments, then the flags, then the command itself.
      const command = call.at(-1) as Command;
      const args = call.slice(0, -2) as (string | undefined)[];
      await withSession(terminal, command.optsWithGlobals<GlobalFlags>(), (session) =>
        body(session, command.optsWithGlobals<never>(), ...args),
      );
    };
}

/** The part of a help text that shows how a command is used. */
export function examples(lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join("\n")}`;
}

import type { OnSignIn, OnTrace, SignInPrompt, StoreWarning, TraceEvent } from "@aml/core";
import type { FolderWorkspace } from "@aml/workspace";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { jsonText } from "./json-text.ts";
import type { TableStyle } from "./print-table.ts";
import type { Progress } from "./progress.ts";
import { type Terminal, write } from "./terminal.ts";

/** Flags that every command takes. */
export interface GlobalFlags {
  readonly json?: boolean | undefined;
  readonly verbose?: boolean | undefined;
  readonly workspace?: string | undefined;
  readonly offline?: boolean | undefined;
  /** False with `--no-cache`. */
  readonly cache?: boolean | undefined;
}

/** One run of a command. */
export interface Session {
  readonly terminal: Terminal;
  readonly json: boolean;
  readonly color: boolean;
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Where the workspace is looked for. */
  readonly folder: string;
  /** The workspace, opened at the first call. */
  open(): Promise<FolderWorkspace>;
  /** Prints the result: one JSON value with `--json`, else the text. */
  print(value: unknown, text: () => string): Promise<void>;
  /** Writes to stdout, at the pace of whoever reads it. */
  write(chunk: string | Uint8Array): Promise<void>;
  /** Tells people something, on stderr; silent with `--json`. */
  note(text: string): void;
}

/** Runs a command with a session, and closes what it opened. */
export async function withSession(
  terminal: Terminal,
  flags: GlobalFlags,
  command: (session: Session) => Promise<void>,
): Promise<void> {
  const { createProgress } = await import("./progress.ts");
  const json = flags.json === true;
  const progress = createProgress(terminal.stderr, !json);
  const folder = resolve(terminal.cwd, flags.workspace ?? ".");
  let workspace: Promise<FolderWorkspace> | undefined;
  const onTrace = (event: TraceEvent): void => {
    if (event.kind === "credential") session.note(`note: ${credentialText(event)}`);
    else progress.onTrace(event);
  };
  const onSignIn = ({ url, code }: SignInPrompt): void => {
    progress.clear();
    // Also with --json: nothing goes on without it, and stdout stays clean.
    terminal.stderr.write(`To sign in, open ${url} and enter the code ${code}\n`);
  };
  const onWarning = ({ message, hint }: StoreWarning): void => session.note(`note: ${message} ${hint}`);
  const session: Session = {
    terminal,
    json,
    color: hasColor(terminal),
    signal: terminal.signal,
    progress,
    folder,
    open: () => (workspace ??= openFolder(folder, terminal.cwd, { onTrace, onSignIn, onWarning }, flags)),
    print: (value, text) => session.write(json ? `${jsonText(value)}\n` : text()),
    write: async (chunk) => {
      progress.clear();
      await write(terminal.stdout, chunk, terminal.signal);
    },
    note(text) {
      progress.clear();
      if (!json) terminal.stderr.write(`${text}\n`);
    },
  };
  const close = async (): Promise<void> => {
    progress.clear();
    await (await workspace)?.[Symbol.asyncDispose]();
  };
  try {
    await command(session);
  } catch (error) {
    // What went wrong first is what counts: an error of closing would only hide it.
    await Promise.allSettled([close()]);
    throw error;
  }
  await close();
}

function credentialText({ change, datastore, store, expiresAt }: CredentialEvent): string {
  switch (change) {
    case "renewed":
      return `the store refused the credential of '${datastore}'; it goes on with the new one.`;
    case "anonymous":
      return `nobody is signed in; ${store} is public and is read without.`;
    default:
      return `the credential of '${datastore}' expires at ${expiresAt?.toISOString()}; update it before.`;
  }
}

type CredentialEvent = Extract<TraceEvent, { kind: "credential" }>;

interface Listeners {
  readonly onTrace: OnTrace;
  readonly onSignIn: OnSignIn;
  readonly onWarning: (warning: StoreWarning) => void;
}

async function openFolder(
  folder: string,
  cwd: string,
  listeners: Listeners,
  { workspace: named, offline, cache }: GlobalFlags,
): Promise<FolderWorkspace> {
  if (named !== undefined && !existsSync(folder)) {
    const { AmlError } = await import("@aml/core");
    throw new AmlError("not_found", `There is no folder ${named}.`, {
      hint: "Give --workspace a folder that exists; make a new workspace with: aml init FOLDER.",
      context: { folder },
    });
  }
  const { openWorkspace } = await import("@aml/workspace");
  return openWorkspace({
    folder,
    baseFolder: cwd,
    ...listeners,
    offline,
    cache: cache === false ? "none" : undefined,
  });
}

/** @see https://no-color.org – read 2026-11 */
export function hasColor({ stdout, env }: Terminal): boolean {
  return stdout.isTTY === true && (env["NO_COLOR"] ?? "") === "" && env["TERM"] !== "dumb";
}

/** How tables look where the output goes. */
export function tableStyle({ terminal, color }: Session, types: boolean): TableStyle {
  return { width: terminal.stdout.columns ?? Infinity, color, types };
}

import { assign, type Batch } from "./batch.ts";
import type { ConnectionState, Isolation } from "./connection-state.ts";
import { SqlError, syntaxError } from "./sql-error.ts";
import type { Token } from "./tokenizer.ts";

/** Options that drivers set and that change nothing here. */
const IGNORED: ReadonlySet<string> = new Set([
  "ansi_nulls",
  "ansi_null_dflt_on",
  "ansi_padding",
  "ansi_warnings",
  "ansi_defaults",
  "arithabort",
  "arithignore",
  "concat_null_yields_null",
  "cursor_close_on_commit",
  "datefirst",
  "dateformat",
  "deadlock_priority",
  "implicit_transactions",
  "language",
  "numeric_roundabort",
  "quoted_identifier",
  "textsize",
  "xact_abort",
  "rowcount",
  "fmtonly",
  "noexec",
  "context_info",
]);
/** … but only to these values: what they would change otherwise is not there. */
const ONLY: Readonly<Record<string, readonly string[]>> = {
  implicit_transactions: ["off"],
  quoted_identifier: ["on"],
  rowcount: ["0"],
  fmtonly: ["off"],
  noexec: ["off"],
  dateformat: ["mdy", "ymd"],
};

/** SET of a variable, of an option of the session, or of the isolation level. */
export async function runSet(
  state: ConnectionState,
  batch: Batch,
  tokens: readonly Token[],
): Promise<number | undefined> {
  const [, option, value] = tokens;
  if (option?.kind === "variable") {
    if (value?.text !== "=") throw syntaxError(value?.text ?? option.text, option.line);
    await assign(state, batch, option, tokens.slice(3));
    return undefined;
  }
  if (option?.word === "transaction") return setIsolation(state, tokens);
  if (option?.word === "nocount") {
    state.noCount = value?.word === "on";
    return undefined;
  }
  if (option?.word === "lock_timeout") {
    const milliseconds = Number(
      tokens
        .slice(2)
        .map(({ text }) => text)
        .join(""),
    );
    // Zero means "at once" to SQL Server, and "never" to PostgreSQL.
    await state.client.query(
      `set lock_timeout = ${milliseconds < 0 ? 0 : Math.max(1, Math.trunc(milliseconds))}`,
    );
    return undefined;
  }
  const names = tokens
    .slice(1, -1)
    .filter(({ text }) => text !== ",")
    .map(({ word }) => word);
  const last = tokens.at(-1)?.text.toLowerCase() ?? "";
  for (const name of names) {
    const allowed = ONLY[name];
    if (!IGNORED.has(name) && name !== "-")
      throw new SqlError(195, 15, `'${name}' is not a recognized SET option.`, option?.line);
    if (allowed && !allowed.includes(last))
      throw new SqlError(
        40_517,
        15,
        `Keyword or statement option 'SET ${name} ${last}' is not supported in this emulator's dialect of SQL.`,
        option?.line,
      );
  }
  return undefined;
}

function setIsolation(state: ConnectionState, tokens: readonly Token[]): undefined {
  const level = tokens
    .slice(4)
    .map(({ word }) => word)
    .join(" ");
  const levels: Readonly<Record<string, Isolation>> = {
    "read uncommitted": "read committed",
    "read committed": "read committed",
    "repeatable read": "repeatable read",
    serializable: "serializable",
    snapshot: "snapshot",
  };
  const isolation = levels[level];
  if (!isolation || tokens[2]?.word !== "isolation" || tokens[3]?.word !== "level")
    throw syntaxError(tokens.at(-1)?.text ?? "", tokens[0]?.line ?? 1);
  state.isolation = isolation;
  return undefined;
}

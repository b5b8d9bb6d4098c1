import { assign, evaluate, scopeOf, type Batch } from "./batch.ts";
import type { ConnectionState } from "./connection-state.ts";
import type { Response } from "./response.ts";
import { runExec } from "./run-exec.ts";
import { runQuery } from "./run-query.ts";
import { runSet } from "./run-set.ts";
import { quoteString } from "./sql-emitter.ts";
import { SqlError, syntaxError, unsupported } from "./sql-error.ts";
import { readType } from "./sql-type.ts";
import type { Token } from "./tokenizer.ts";
import { writeInfo } from "./tokens.ts";
import { beginTransaction, commitTransaction, inTransaction, rollbackTransaction } from "./transactions.ts";
import { translate, type Translation } from "./translate.ts";
import { translateTable } from "./translate-table.ts";

type Run = (
  state: ConnectionState,
  batch: Batch,
  tokens: readonly Token[],
  response: Response,
) => Promise<number | undefined>;

const STATEMENTS: Readonly<Record<string, Run>> = {
  select: runSelect,
  with: runTranslated,
  "(": runTranslated,
  insert: runTranslated,
  update: runTranslated,
  delete: runTranslated,
  truncate: runTranslated,
  drop: runTranslated,
  create: runCreate,
  alter: runAlter,
  set: runSet,
  declare: runDeclare,
  begin: runBegin,
  commit: async (state, _batch, _tokens, response) => commitTransaction(state, response.out),
  rollback: async (state, _batch, _tokens, response) => rollbackTransaction(state, response.out),
  exec: runExec,
  execute: runExec,
  print: async (state, batch, tokens, response) => {
    const message = await evaluate(state, batch, tokens.slice(1), { name: "nvarchar", length: "max" });
    writeInfo(response.out, { number: 0, severity: 0, message: message ?? "", line: tokens[0]?.line });
    return undefined;
  },
  throw: async (_state, _batch, tokens) => {
    const [, number, , message] = tokens;
    throw new SqlError(Number(number?.text), 16, message?.text ?? "", tokens[0]?.line);
  },
  raiserror: async (_state, _batch, tokens) => {
    const [, , message, , severity] = tokens;
    throw new SqlError(50_000, Number(severity?.text), message?.text ?? "", tokens[0]?.line);
  },
  use: async (state, _batch, [, name]) => {
    if (name?.text.toLowerCase() === state.database.toLowerCase()) return undefined;
    throw new SqlError(
      40_508,
      16,
      "USE statement is not supported to switch between databases. Use a new connection to connect to a different database.",
      name?.line,
    );
  },
  waitfor: runWait,
};

/** @returns rows given or changed; `undefined` for what counts none. @throws SqlError, or an error of PostgreSQL. */
export function runStatement(
  state: ConnectionState,
  batch: Batch,
  tokens: readonly Token[],
  response: Response,
): Promise<number | undefined> {
  const [first] = tokens;
  if (!first) return Promise.resolve(undefined);
  batch.lineAt = () => first.line;
  const run = STATEMENTS[first.kind === "symbol" ? first.text : first.word];
  if (run) return run(state, batch, tokens, response);
  if (KNOWN.has(first.word)) throw unsupported(first.text.toUpperCase(), first.line);
  // The first word of a batch may be a procedure.
  if (first.kind === "name")
    throw new SqlError(2812, 16, `Could not find stored procedure '${first.text}'.`, first.line, 62);
  throw syntaxError(first.text, first.line);
}

const KNOWN: ReadonlySet<string> = new Set([
  "merge",
  "if",
  "while",
  "return",
  "grant",
  "revoke",
  "deny",
  "bulk",
  "backup",
  "restore",
  "kill",
  "dbcc",
  "goto",
  "open",
  "fetch",
  "close",
  "deallocate",
  "save",
]);

async function run(
  state: ConnectionState,
  batch: Batch,
  translation: Translation,
  response: Response,
): Promise<number> {
  batch.lineAt = translation.lineAt;
  const { count } = await inTransaction(state, () => runQuery(state, translation, response, batch.fault));
  return count;
}

function runTranslated(...[state, batch, tokens, response]: Parameters<Run>): Promise<number> {
  return run(state, batch, translate(tokens, scopeOf(state, batch)), response);
}

/** `SELECT @name = expression` gives no rows. */
async function runSelect(...[state, batch, tokens, response]: Parameters<Run>): Promise<number | undefined> {
  const [, target, equals] = tokens;
  if (target?.kind !== "variable" || equals?.text !== "=")
    return runTranslated(state, batch, tokens, response);
  await assign(state, batch, target, tokens.slice(3));
  return 1;
}

async function runCreate(...[state, batch, tokens, response]: Parameters<Run>): Promise<number | undefined> {
  if (tokens[1]?.word === "database") throw unsupported("CREATE DATABASE", tokens[0]?.line ?? 1);
  if (["procedure", "proc", "function", "trigger", "user", "login", "role"].includes(tokens[1]?.word ?? "")) {
    throw unsupported(`CREATE ${tokens[1]?.text.toUpperCase()}`, tokens[0]?.line ?? 1);
  }
  if (tokens[1]?.word !== "table") {
    const kept = tokens.filter(({ word }) => word !== "clustered" && word !== "nonclustered");
    await run(state, batch, translate(kept, scopeOf(state, batch)), response);
    return undefined;
  }
  const table = translateTable(tokens, scopeOf(state, batch));
  await run(state, batch, table, response);
  for (const text of table.comments) await state.onPg(() => state.client.query(text));
  return undefined;
}

/** `ALTER DATABASE … SET ALLOW_SNAPSHOT_ISOLATION ON`, and tables. */
async function runAlter(...[state, batch, tokens, response]: Parameters<Run>): Promise<number | undefined> {
  if (tokens[1]?.word === "table") {
    await runTranslated(state, batch, tokens, response);
    return undefined;
  }
  const option = tokens[4]?.word ?? "";
  const column = {
    allow_snapshot_isolation: "snapshot_isolation",
    read_committed_snapshot: "read_committed_snapshot",
  }[option];
  if (tokens[1]?.word !== "database" || tokens[3]?.word !== "set" || !column) {
    throw unsupported(`ALTER ${tokens[1]?.text ?? ""}`.trim(), tokens[0]?.line ?? 1);
  }
  await state.onPg(() =>
    state.client.query(`update sys.settings set ${column} = ${tokens[5]?.word === "on"}`),
  );
  return undefined;
}

async function runDeclare(...[state, batch, tokens]: Parameters<Run>): Promise<undefined> {
  for (let at = 1; at < tokens.length; at++) {
    const name = tokens[at];
    if (name?.kind !== "variable") throw syntaxError(name?.text ?? "declare", name?.line ?? 1);
    const typeAt = tokens[at + 1]?.word === "as" ? at + 2 : at + 1;
    const { type, end } = readType(tokens, typeAt, 1);
    batch.variables.set(name.text.toLowerCase(), { type, text: null });
    at = end;
    if (tokens[at]?.text !== "=") continue;
    const comma = endOfItem(tokens, at);
    await assign(state, batch, name, tokens.slice(at + 1, comma));
    at = comma;
  }
  return undefined;
}

function endOfItem(tokens: readonly Token[], from: number): number {
  let depth = 0;
  for (let at = from; at < tokens.length; at++) {
    const token = tokens[at];
    if (token?.kind !== "symbol") continue;
    if (token.text === "(") depth++;
    if (token.text === ")") depth--;
    if (token.text === "," && depth === 0) return at;
  }
  return tokens.length;
}

async function runBegin(...[state, , tokens, response]: Parameters<Run>): Promise<undefined> {
  if (tokens[1]?.word !== "tran" && tokens[1]?.word !== "transaction") {
    throw unsupported(`BEGIN ${tokens[1]?.text ?? ""}`.trim(), tokens[0]?.line ?? 1);
  }
  await beginTransaction(state, response.out);
  return undefined;
}

async function runWait(...[state, , tokens]: Parameters<Run>): Promise<undefined> {
  const [, , delay] = tokens;
  if (tokens[1]?.word !== "delay" || delay?.kind !== "string")
    throw syntaxError("waitfor", tokens[0]?.line ?? 1);
  await state.onPg(() => state.client.query(`select pg_sleep_for(${quoteString(delay.text)}::interval)`));
  return undefined;
}

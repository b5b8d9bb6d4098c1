import type { Argument, ConnectionState, Procedure, Variable } from "./connection-state.ts";
import { openPortal } from "./pg-portal.ts";
import type { Response } from "./response.ts";
import { runBatch } from "./run-batch.ts";
import type { ResultColumn } from "./result-column.ts";
import { describe, writeColumns, writeRow } from "./run-query.ts";
import { describedColumns, DESCRIPTION } from "./description.ts";
import { toSqlError } from "./pg-error.ts";
import { globals } from "./globals.ts";
import { splitBatch } from "./split-batch.ts";
import { SqlError } from "./sql-error.ts";
import { readType } from "./sql-type.ts";
import { tokenize } from "./tokenizer.ts";
import { DONE, DONE_STATUS, writeDone, writeReturnInt } from "./tokens.ts";
import { translate } from "./translate.ts";

const PROCEDURES: Readonly<Record<string, Procedure>> = {
  sp_executesql: (state, [statement, declarations, ...args], response) =>
    runBatch(state, statement?.text ?? "", bind(declarations?.text ?? "", args), response, true),
  sp_prepare: async (state, [, declarations, statement], response) => {
    prepare(state, declarations, statement, response);
    return undefined;
  },
  sp_prepexec: async (state, [, declarations, statement, ...args], response) => {
    const error = await runBatch(
      state,
      statement?.text ?? "",
      bind(declarations?.text ?? "", args),
      response,
      true,
    );
    if (!error) prepare(state, declarations, statement, response);
    return error;
  },
  sp_execute: (state, [handle, ...args], response) => {
    const prepared = state.prepared.get(Number(handle?.text));
    if (!prepared)
      throw new SqlError(
        8179,
        16,
        `Could not find prepared statement with handle ${handle?.text ?? "NULL"}.`,
      );
    return runBatch(state, prepared.text, bind(prepared.declarations, args), response, true);
  },
  sp_unprepare: async (state, [handle]) => {
    state.prepared.delete(Number(handle?.text));
    return undefined;
  },
  sp_describe_first_result_set: describeFirst,
};

/** The numbers by which drivers call them. */
const IDS: Readonly<Record<number, string>> = {
  10: "sp_executesql",
  11: "sp_prepare",
  12: "sp_execute",
  13: "sp_prepexec",
  15: "sp_unprepare",
};

/** @throws SqlError 2812 */
export function findProcedure(name: string | number, line = 1): Procedure {
  const key =
    typeof name === "number" ? (IDS[name] ?? `#${name}`) : name.toLowerCase().replace(/^(sys|dbo)\./, "");
  const procedure = PROCEDURES[key];
  if (!procedure) throw new SqlError(2812, 16, `Could not find stored procedure '${key}'.`, line, 62);
  return procedure;
}

function prepare(
  state: ConnectionState,
  declarations: Argument | undefined,
  statement: Argument | undefined,
  response: Response,
): void {
  const handle = state.prepared.size + 1 + Math.max(0, ...state.prepared.keys());
  state.prepared.set(handle, { text: statement?.text ?? "", declarations: declarations?.text ?? "" });
  writeReturnInt(response.out, "@handle", handle);
}

/** Parameters as they were declared, with the values that were given by name or by place. */
function bind(declarations: string, args: readonly Argument[]): Map<string, Variable> {
  const variables = new Map<string, Variable>();
  const tokens = tokenize(declarations);
  let place = 0;
  for (let at = 0; at < tokens.length; at++) {
    const name = tokens[at]?.text.toLowerCase() ?? "";
    const { type, end } = readType(tokens, tokens[at + 1]?.word === "as" ? at + 2 : at + 1, 1);
    const given =
      args.find((arg) => arg.name.toLowerCase() === name) ??
      (args[place]?.name === "" ? args[place] : undefined);
    if (!given)
      throw new SqlError(
        8178,
        16,
        `The parameterized query expects the parameter '${tokens[at]?.text}', which was not supplied.`,
      );
    variables.set(name, { type, text: given.text });
    place++;
    at = end;
    while (at < tokens.length && tokens[at]?.text !== ",") at++;
  }
  // Clients that declare nothing still may give names.
  if (declarations === "")
    for (const { name, type, text } of args) variables.set(name.toLowerCase(), { type, text });
  return variables;
}

/** Columns of the first query of a batch, without running it. */
async function describeFirst(
  state: ConnectionState,
  [statement, declarations]: readonly Argument[],
  response: Response,
): Promise<undefined> {
  const columns = await firstResult(state, statement?.text ?? "", declarations?.text ?? "");
  writeColumns(response, DESCRIPTION);
  const rows = describedColumns(columns);
  for (const row of rows) writeRow(response, DESCRIPTION, row);
  writeDone(response.out, DONE.inProcedure, DONE_STATUS.count | DONE_STATUS.more, rows.length);
  return undefined;
}

async function firstResult(
  state: ConnectionState,
  text: string,
  declarations: string,
): Promise<ResultColumn[]> {
  const variables = new Map<string, Variable>();
  const tokens = tokenize(declarations);
  for (let at = 0; at < tokens.length; at++) {
    const { type, end } = readType(tokens, at + 1, 1);
    variables.set(tokens[at]?.text.toLowerCase() ?? "", { type, text: null });
    at = end;
  }
  const query = splitBatch(tokenize(text)).find(
    ([first]) => first?.word === "select" || first?.word === "with",
  );
  if (!query) return [];
  const scope = { database: state.database, login: state.login, variables, globals: globals(state) };
  const translation = translate(query, scope);
  try {
    const portal = await state.onPg(() => openPortal(state.client, translation.text, translation.values));
    try {
      return await describe(state, translation, portal.fields);
    } finally {
      await portal.close();
    }
  } catch (error) {
    throw toSqlError(error, translation.lineAt);
  }
}

import { evaluate, type Batch } from "./batch.ts";
import { Reported, type Argument, type ConnectionState, type Variable } from "./connection-state.ts";
import type { Response } from "./response.ts";
import { readResultSets } from "./result-sets.ts";
import { syntaxError, unsupported } from "./sql-error.ts";
import type { SqlType } from "./sql-type.ts";
import type { Token } from "./tokenizer.ts";

const LONG_TEXT: SqlType = { name: "nvarchar", length: "max" };

/** `EXEC procedure argument, @name = argument`. */
export async function runExec(
  state: ConnectionState,
  batch: Batch,
  tokens: readonly Token[],
  response: Response,
): Promise<number | undefined> {
  const [, first] = tokens;
  if (first?.text === "(") throw unsupported("EXEC (text)", first.line);
  let at = 1;
  while (tokens[at + 1]?.text === ".") at += 2;
  const name = tokens[at];
  if (name?.kind !== "name") throw syntaxError(name?.text ?? "exec", first?.line ?? 1);
  const run = state.findProcedure(name.text, name.line);
  const args: Argument[] = [];
  const clause = tokens.findIndex(({ word }, index) => index > at && word === "with");
  const end = clause === -1 ? tokens.length : clause;
  for (const item of argumentsOf(tokens.slice(at + 1, end))) {
    const named = item[0]?.kind === "variable" && item[1]?.text === "=";
    const value = await valueOf(state, batch, named ? item.slice(2) : item);
    args.push({ name: named ? (item[0]?.text ?? "") : "", ...value });
  }
  state.resultSets = clause === -1 ? undefined : readResultSets(tokens.slice(clause));
  try {
    const error = await run(state, args, response);
    if (error) throw new Reported(error);
    return undefined;
  } finally {
    state.resultSets = undefined;
  }
}

async function valueOf(state: ConnectionState, batch: Batch, tokens: readonly Token[]): Promise<Variable> {
  const [token] = tokens;
  if (tokens.length > 2 || !token) throw syntaxError(tokens[2]?.text ?? "exec", token?.line ?? 1);
  const variable = token.kind === "variable" ? batch.variables.get(token.text.toLowerCase()) : undefined;
  if (variable) return variable;
  if (token.word === "null") return { type: LONG_TEXT, text: null };
  if (token.kind === "string") return { type: LONG_TEXT, text: token.text };
  return { type: LONG_TEXT, text: await evaluate(state, batch, tokens, LONG_TEXT) };
}

function argumentsOf(tokens: readonly Token[]): Token[][] {
  if (tokens.length === 0) return [];
  const items: Token[][] = [[]];
  for (const token of tokens) {
    if (token.kind === "symbol" && token.text === ",") items.push([]);
    else items.at(-1)?.push(token);
  }
  return items;
}

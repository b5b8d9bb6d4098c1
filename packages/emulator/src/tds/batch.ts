import type { ConnectionState, Variable } from "./connection-state.ts";
import { globals } from "./globals.ts";
import { pgType } from "./pg-types.ts";
import { SqlError } from "./sql-error.ts";
import type { SqlType } from "./sql-type.ts";
import type { TdsFault } from "./tds-faults.ts";
import type { Token } from "./tokenizer.ts";
import type { Scope } from "./reading.ts";
import { translate } from "./translate.ts";

/** What the statements of one batch share. */
export interface Batch {
  readonly variables: Map<string, Variable>;
  /** Of the statement that runs: for the line of an error. */
  lineAt: (position: number) => number | undefined;
  readonly fault: TdsFault | undefined;
}

export function scopeOf(state: ConnectionState, batch: Batch): Scope {
  return {
    database: state.database,
    login: state.login,
    variables: batch.variables,
    globals: globals(state),
  };
}

export async function assign(
  state: ConnectionState,
  batch: Batch,
  name: Token,
  tokens: readonly Token[],
): Promise<void> {
  const variable = batch.variables.get(name.text.toLowerCase());
  if (!variable) throw new SqlError(137, 15, `Must declare the scalar variable "${name.text}".`, name.line);
  const text = await evaluate(state, batch, tokens, variable.type);
  batch.variables.set(name.text.toLowerCase(), { type: variable.type, text });
}

/** The value of an expression, as text of a type. */
export async function evaluate(
  state: ConnectionState,
  batch: Batch,
  tokens: readonly Token[],
  type: SqlType,
): Promise<string | null> {
  const translation = translate(tokens, scopeOf(state, batch));
  const text = `select cast(cast((${translation.text}) as ${pgType(type)}) as text)`;
  const { rows } = await state.onPg(() =>
    state.client.query<[string | null]>({ text, values: [...translation.values], rowMode: "array" }),
  );
  return rows[0]?.[0] ?? null;
}

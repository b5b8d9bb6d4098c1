import type { Batch } from "./batch.ts";
import { Cancelled, Reported, type ConnectionState, type Variable } from "./connection-state.ts";
import { toSqlError } from "./pg-error.ts";
import type { Response } from "./response.ts";
import { fail } from "./run-query.ts";
import { runStatement } from "./run-statement.ts";
import { splitBatch } from "./split-batch.ts";
import type { SqlError } from "./sql-error.ts";
import { tokenize } from "./tokenizer.ts";
import { DONE, DONE_STATUS, writeDone, writeError } from "./tokens.ts";

/**
 * Runs the statements of a batch, one after the other, up to the first error.
 *
 * @param procedure - inside sp_executesql and the like, whose own end follows.
 * @returns the error that ended it.
 */
export async function runBatch(
  state: ConnectionState,
  text: string,
  variables: Map<string, Variable>,
  response: Response,
  procedure: boolean,
): Promise<SqlError | undefined> {
  const fault = state.faults.next("query");
  const batch: Batch = { variables, lineAt: () => undefined, fault };
  const done = procedure ? DONE.inProcedure : DONE.statement;
  try {
    if (fault && fault.afterRows === undefined) fail(state, fault);
    const statements = splitBatch(tokenize(text));
    if (statements.length === 0 && !procedure) writeDone(response.out, done, 0);
    for (const [index, statement] of statements.entries()) {
      if (state.cancelled) throw new Cancelled();
      const last = index === statements.length - 1 && !procedure;
      const touched = await runStatement(state, batch, statement, response);
      if (touched !== undefined) state.rowCount = touched;
      const counted = touched !== undefined && !state.noCount ? DONE_STATUS.count : 0;
      const within = state.transactions > 0 ? DONE_STATUS.transaction : 0;
      writeDone(response.out, done, counted | within | (last ? 0 : DONE_STATUS.more), touched ?? 0);
    }
    return undefined;
  } catch (error) {
    if (error instanceof Cancelled || state.cancelled) throw new Cancelled();
    const known = error instanceof Reported ? error.error : undefined;
    const failure = known ?? toSqlError(error, batch.lineAt);
    if (!known) writeError(response.out, failure);
    writeDone(response.out, done, DONE_STATUS.error | (procedure ? DONE_STATUS.more : 0));
    if (failure.severity >= 20) {
      await response.end();
      state.disconnect();
    }
    return failure;
  }
}

import type { ByteReader } from "./byte-reader.ts";
import type { ByteWriter } from "./byte-writer.ts";
import type { ConnectionState, Isolation } from "./connection-state.ts";
import { SqlError } from "./sql-error.ts";
import { ENVIRONMENT, writeEnvironmentBytes } from "./tokens.ts";

const NONE = Buffer.alloc(0);
const LEVELS: Readonly<Record<Isolation, string>> = {
  "read committed": "read committed",
  "repeatable read": "repeatable read",
  serializable: "serializable",
  // What PostgreSQL calls repeatable read is a snapshot.
  snapshot: "repeatable read",
};
const REQUEST = { begin: 5, commit: 7, rollback: 8 };
const REQUESTED: Readonly<Record<number, Isolation>> = {
  1: "read committed",
  2: "read committed",
  3: "repeatable read",
  4: "serializable",
  5: "snapshot",
};

export async function beginTransaction(state: ConnectionState, out: ByteWriter): Promise<undefined> {
  state.transactions++;
  if (state.transactions > 1) return undefined;
  await state.client.query(`begin isolation level ${LEVELS[state.isolation]}`);
  state.descriptor++;
  writeEnvironmentBytes(out, ENVIRONMENT.begin, descriptor(state), NONE);
  return undefined;
}

export async function commitTransaction(state: ConnectionState, out: ByteWriter): Promise<undefined> {
  if (state.transactions === 0) {
    throw new SqlError(3902, 16, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.");
  }
  state.transactions--;
  if (state.transactions > 0) return undefined;
  await state.client.query("commit");
  writeEnvironmentBytes(out, ENVIRONMENT.commit, NONE, descriptor(state));
  return undefined;
}

export async function rollbackTransaction(state: ConnectionState, out: ByteWriter): Promise<undefined> {
  if (state.transactions === 0) {
    throw new SqlError(3903, 16, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.");
  }
  state.transactions = 0;
  await state.client.query("rollback");
  writeEnvironmentBytes(out, ENVIRONMENT.rollback, NONE, descriptor(state));
  return undefined;
}

function descriptor(state: ConnectionState): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(state.descriptor);
  return bytes;
}

/** A request of the client's own transaction manager. */
export async function runTransactionRequest(
  state: ConnectionState,
  reader: ByteReader,
  out: ByteWriter,
): Promise<void> {
  const request = reader.u16();
  if (request === REQUEST.begin) {
    const level = REQUESTED[reader.u8()];
    if (level) state.isolation = level;
    await beginTransaction(state, out);
  } else if (request === REQUEST.commit) await commitTransaction(state, out);
  else if (request === REQUEST.rollback) await rollbackTransaction(state, out);
  else throw new SqlError(3991, 16, `The transaction manager request ${request} is not supported.`);
}

/** In a transaction, an error undoes its statement and not what came before it. */
export async function inTransaction<T>(state: ConnectionState, action: () => Promise<T>): Promise<T> {
  if (state.isolation === "snapshot") await checkSnapshot(state);
  if (state.transactions === 0) return action();
  if (state.isolation === "snapshot") await numberSnapshot(state);
  await state.client.query("savepoint statement");
  try {
    const result = await action();
    await state.client.query("release savepoint statement");
    return result;
  } catch (error) {
    await state.client.query("rollback to savepoint statement").catch(() => undefined);
    throw error;
  }
}

/** A snapshot begins with the first statement, and has a number of its own among the transactions that write. */
async function numberSnapshot(state: ConnectionState): Promise<void> {
  await state.client.query("select set_config('aml.snapshot', pg_current_xact_id()::text, true)");
}

async function checkSnapshot(state: ConnectionState): Promise<void> {
  const [row] = await state.lookUp<{ allowed: boolean }>(
    "select snapshot_isolation as allowed from sys.settings",
    [],
  );
  if (row?.allowed) return;
  throw new SqlError(
    3952,
    16,
    `Snapshot isolation transaction failed accessing database '${state.database}' because snapshot isolation is not allowed in this database. Use ALTER DATABASE to allow snapshot isolation.`,
  );
}

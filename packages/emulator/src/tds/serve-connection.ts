import type { Client } from "pg";
import { ByteReader } from "./byte-reader.ts";
import { ByteWriter } from "./byte-writer.ts";
import { connectPg, type PgServer } from "./connect-pg.ts";
import { Cancelled, type ConnectionState } from "./connection-state.ts";
import { PACKET, type Message } from "./packets.ts";
import { toSqlError } from "./pg-error.ts";
import { findProcedure } from "./procedures.ts";
import { ProtocolError } from "./protocol-error.ts";
import { createResponse, type Response } from "./response.ts";
import { parseRpc, runRpc } from "./rpc.ts";
import { runBatch } from "./run-batch.ts";
import { refuse, signIn, type SignedIn, type SignInOptions } from "./sign-in.ts";
import { SqlError } from "./sql-error.ts";
import type { TdsFaults } from "./tds-faults.ts";
import {
  COLLATION,
  DONE,
  DONE_STATUS,
  ENVIRONMENT,
  writeDone,
  writeEnvironment,
  writeEnvironmentBytes,
  writeError,
  writeFeatureAck,
  writeInfo,
  writeLoginAck,
} from "./tokens.ts";
import { runTransactionRequest } from "./transactions.ts";
import type { Transport } from "./transport.ts";

export interface FrontOptions extends SignInOptions {
  readonly pg: PgServer;
  readonly faults: TdsFaults;
}

/** What the transport tells while a request runs. */
export interface Interrupts {
  onAttention: () => void;
  onClose: () => void;
}

/** Serves one client, from PRELOGIN to its end. */
export async function serveConnection(
  transport: Transport,
  strict: boolean,
  interrupts: Interrupts,
  options: FrontOptions,
): Promise<void> {
  let client: Client | undefined;
  try {
    const signedIn = await signIn(transport, strict, options);
    if (!signedIn) return;
    const state = await openSession(transport, signedIn, options);
    if (!state) return;
    client = state.client;
    await serveRequests(transport, state, interrupts, options.pg);
  } catch (error) {
    // PostgreSQL may end under a client: what is left to say would reach nobody.
    if (!(error instanceof ProtocolError)) transport.destroy();
  } finally {
    transport.destroy();
    await client?.end().catch(() => undefined);
  }
}

async function openSession(
  transport: Transport,
  { login, name }: SignedIn,
  { pg, faults }: FrontOptions,
): Promise<ConnectionState | undefined> {
  const fault = faults.next("login");
  if (fault?.effect === "disconnect") return undefined;
  if (fault) {
    await refuse(
      transport,
      new SqlError(
        fault.effect.number,
        fault.effect.severity,
        fault.effect.message,
        fault.effect.line,
        fault.effect.state,
      ),
    );
    return undefined;
  }
  const opened = await connectPg(pg, login);
  if (!opened) {
    const cannot = `Cannot open database "${login.database}" requested by the login. The login failed.`;
    await refuse(
      transport,
      new SqlError(4060, 11, cannot),
      new SqlError(18_456, 14, `Login failed for user '${name}'.`),
    );
    return undefined;
  }
  const { client, catalog, database } = opened;
  client.once("end", () => transport.destroy());
  const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
  transport.signedIn = true;
  const before = transport.packetSize;
  const wanted = Math.min(32_767, Math.max(512, login.packetSize || before));
  await transport.send(welcome(login, name, login.database || "master", wanted, before), true);
  transport.packetSize = wanted;
  const pid = rows[0]?.pid ?? 0;
  const state: ConnectionState = {
    client,
    typeOf: catalog.typeOf,
    database: login.database || database,
    login: name,
    spid: pid % 32_768,
    faults,
    noCount: false,
    isolation: "read committed",
    transactions: 0,
    descriptor: 0n,
    rowCount: 0,
    cancelled: false,
    resultSets: undefined,
    prepared: new Map(),
    onPg: (action) => action(),
    lookUp: async (text, values) => (await catalog.pool.query(text, [...values])).rows,
    findProcedure,
    disconnect: () => transport.destroy(),
  };
  return state;
}

function welcome(
  login: SignedIn["login"],
  name: string,
  database: string,
  packetSize: number,
  before: number,
): Buffer {
  const out = new ByteWriter();
  writeEnvironment(out, ENVIRONMENT.database, database, "master");
  writeInfo(out, {
    number: 5701,
    severity: 10,
    state: 2,
    message: `Changed database context to '${database}'.`,
  });
  writeEnvironmentBytes(out, ENVIRONMENT.collation, COLLATION, Buffer.alloc(0));
  writeEnvironment(out, ENVIRONMENT.language, "us_english", "");
  writeInfo(out, { number: 5703, severity: 10, message: "Changed language setting to us_english." });
  writeLoginAck(out, login.version);
  writeEnvironment(out, ENVIRONMENT.packetSize, String(packetSize), String(before));
  writeFeatureAck(out, { federated: login.federated !== undefined, utf8: login.utf8 });
  writeDone(out, DONE.statement, 0);
  return out.take();
}

async function serveRequests(
  transport: Transport,
  state: ConnectionState,
  interrupts: Interrupts,
  pg: PgServer,
): Promise<void> {
  let busy = false;
  let inFlight = 0;
  let cancelling: Promise<unknown> = Promise.resolve();
  const { rows } = await state.client.query<{ pid: number }>("select pg_backend_pid() as pid");
  const cancel = (): void => {
    state.cancelled = true;
    if (inFlight === 0) return;
    cancelling = pg.admin.query("select pg_cancel_backend($1)", [rows[0]?.pid]).catch(() => undefined);
  };
  state.onPg = async (action) => {
    if (state.cancelled) throw new Cancelled();
    inFlight++;
    try {
      return await action();
    } finally {
      inFlight--;
      // A cancel that comes late would hit what runs next.
      await cancelling;
    }
  };
  interrupts.onClose = cancel;
  interrupts.onAttention = () => {
    if (busy) cancel();
    else void acknowledge(transport);
  };
  for (let message = await transport.next(); message; message = await transport.next()) {
    busy = true;
    state.cancelled = transport.closed;
    const response = createResponse(transport);
    await answer(state, message, response);
    busy = false;
    const acknowledged = state.cancelled;
    if (acknowledged) writeDone(response.out, DONE.statement, DONE_STATUS.error);
    await response.end();
    // In a message of its own: clients look for it after the end of the answer.
    if (acknowledged) await acknowledge(transport);
    state.cancelled = false;
  }
}

async function acknowledge(transport: Transport): Promise<void> {
  const out = new ByteWriter();
  writeDone(out, DONE.statement, DONE_STATUS.attention);
  await transport.send(out.take(), true);
}

async function answer(state: ConnectionState, message: Message, response: Response): Promise<void> {
  const reader = new ByteReader(message.data);
  // ALL_HEADERS: its length counts itself.
  const headers = reader.u32();
  reader.bytes(Math.max(0, headers - 4));
  try {
    if (message.reset) await reset(state, response.out);
    if (message.type === PACKET.batch) {
      await runBatch(state, reader.text(Math.floor(reader.left / 2)), new Map(), response, false);
    } else if (message.type === PACKET.rpc) await runRpc(state, parseRpc(reader), response);
    else if (message.type === PACKET.transaction) {
      await runTransactionRequest(state, reader, response.out);
      writeDone(response.out, DONE.statement, 0);
    } else throw new ProtocolError("a request of an unknown type");
  } catch (error) {
    if (error instanceof Cancelled || state.cancelled) return;
    if (error instanceof ProtocolError) throw error;
    writeError(
      response.out,
      toSqlError(error, () => undefined),
    );
    writeDone(response.out, DONE.statement, DONE_STATUS.error);
  }
}

/** A pooled connection is handed on: nothing of its last user may stay. */
async function reset(state: ConnectionState, out: ByteWriter): Promise<void> {
  if (state.transactions > 0) await state.client.query("rollback");
  state.transactions = 0;
  state.isolation = "read committed";
  state.noCount = false;
  await state.client.query("set lock_timeout = 0");
  await state.client.query("discard temp");
  writeEnvironment(out, ENVIRONMENT.reset, "", "");
}

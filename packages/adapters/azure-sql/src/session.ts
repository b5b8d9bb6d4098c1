import { pauseBeneathTls } from "@aml/azure-auth";
import type { BoundStatement } from "@aml/core/sql";
import type { Request } from "tedious";
import type { DriverColumn } from "./columns.ts";
import { encodeParameter, type Parameter } from "./encode-parameter.ts";
import { toError, type Attempt } from "./errors.ts";
import type { Connections, PooledConnection } from "./pool.ts";

export type NamedParameters = readonly (readonly [name: string, parameter: Parameter])[];

/** A transaction of its own connection, which is never committed. */
export interface Session {
  encode(bound: BoundStatement): readonly Parameter[];
  textParameter(value: string | null): Parameter;
  /** Calls a procedure; gives its rows by column name. */
  call(
    procedure: string,
    parameters: NamedParameters,
    bound: BoundStatement,
  ): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Runs a statement of few rows; gives them by column name. */
  run(bound: BoundStatement): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Runs a statement, row by row. */
  stream(text: string, parameters: NamedParameters, listener: StreamListener): RunningStream;
  toError(error: unknown, bound: BoundStatement): unknown;
  /** Ends what is running, and then the session, from outside. Never rejects. */
  cancel(): Promise<void>;
  /** Gives the connection back. */
  end(): Promise<void>;
}

export interface StreamListener {
  onColumns(columns: readonly DriverColumn[]): void;
  onRow(cells: readonly { readonly value: unknown }[]): void;
  onEnd(error: unknown): void;
}

export interface RunningStream {
  pause(): void;
  resume(): void;
}

/** How long a server may take to end what was cancelled, before its connection is closed. */
const PATIENCE_MS = 5000;

/** Some errors of a statement have the server roll back by itself. */
const NO_TRANSACTION = 3903;

/** Snapshot isolation has everything read as it was when the first row was read. */
export type Isolation = "READ_COMMITTED" | "SNAPSHOT";

export async function openSession(
  connections: Connections,
  signal: AbortSignal,
  isolation: Isolation = "READ_COMMITTED",
): Promise<Session> {
  for (;;) {
    const connection = await connections.take(signal);
    const session = sessionOf(connection, connections.attempt);
    try {
      await begin(connection, isolation);
      return session;
    } catch (error) {
      connection.release(true);
      const lost = toError(error, connections.attempt) as { readonly code?: string };
      // It was lost while nobody used it: the next one may be fresh.
      if (!(connection.used && lost.code === "unavailable")) throw lost;
    }
  }
}

function begin({ tds, driver }: PooledConnection, isolation: Isolation): Promise<void> {
  return new Promise((resolve, reject) => {
    tds.beginTransaction(
      (error) => (error ? reject(error) : resolve()),
      "",
      driver.ISOLATION_LEVEL[isolation],
    );
  });
}

function sessionOf({ driver, tds, release }: PooledConnection, attempt: Attempt): Session {
  const { Request: DriverRequest, TYPES } = driver;
  const { socket } = tds as unknown as { readonly socket: unknown };
  let running: { readonly request: Request; readonly ended: Promise<void> } | undefined;
  let over: Promise<void> | undefined;

  const start = (
    text: string,
    parameters: NamedParameters,
    send: (request: Request) => void,
    onEnd: (error: unknown) => void,
  ): Request => {
    let settle: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (settle = resolve));
    const request = new DriverRequest(text, (error) => {
      running = undefined;
      settle();
      onEnd(error ?? undefined);
    });
    for (const [name, { type, value, options }] of parameters) {
      request.addParameter(name, type, value, options);
    }
    running = { request, ended };
    send(request);
    return request;
  };

  const end = async (): Promise<void> => {
    const broken = await new Promise<boolean>((resolve) => {
      if (tds.closed) return resolve(true);
      tds.rollbackTransaction((error) => resolve(Boolean(error) && numberOf(error) !== NO_TRANSACTION));
    });
    release(broken);
  };

  const collect = (
    text: string,
    parameters: NamedParameters,
    bound: BoundStatement,
    send: (request: Request) => void,
  ): Promise<readonly Readonly<Record<string, unknown>>[]> =>
    new Promise((resolve, reject) => {
      const rows: Record<string, unknown>[] = [];
      const onEnd = (error: unknown): void =>
        error === undefined ? resolve(rows) : reject(toError(error, { ...attempt, bound }));
      const request = start(text, parameters, send, onEnd);
      request.on("row", (columns: readonly { metadata: DriverColumn; value: unknown }[]) => {
        rows.push(Object.fromEntries(columns.map(({ metadata, value }) => [metadata.colName, value])));
      });
    });
  const encode = ({ values }: BoundStatement): readonly Parameter[] =>
    values.map((cell) => encodeParameter(cell, TYPES));

  return {
    encode,
    textParameter: (value) => ({
      type: TYPES.NVarChar,
      value,
      options: { length: Number.POSITIVE_INFINITY },
      declaration: "nvarchar(max)",
    }),
    call: (procedure, parameters, bound) =>
      collect(procedure, parameters, bound, (request) => tds.callProcedure(request)),
    run: (bound) => {
      const parameters = encode(bound).map((parameter, at) => [`p${at + 1}`, parameter] as const);
      return collect(bound.text, parameters, bound, (request) => tds.execSql(request));
    },
    stream(text, parameters, { onColumns, onRow, onEnd }) {
      const request = start(text, parameters, (one) => tds.execSql(one), onEnd);
      request.on("columnMetadata", (columns) => onColumns(columns as unknown as readonly DriverColumn[]));
      request.on("row", onRow);
      return {
        pause: () => {
          request.pause();
          pauseBeneathTls(socket, true);
        },
        resume: () => {
          pauseBeneathTls(socket, false);
          request.resume();
        },
      };
    },
    toError: (error, bound) => toError(error, { ...attempt, bound }),
    end: () => (over ??= end()),
    cancel: () =>
      (over ??= (async () => {
        if (running !== undefined) {
          const { request, ended } = running;
          request.cancel();
          pauseBeneathTls(socket, false);
          request.resume();
          if (!(await withinPatience(ended))) return release(true);
        }
        await end();
      })()),
  };
}

async function withinPatience(ended: Promise<void>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), PATIENCE_MS);
  });
  const inTime = await Promise.race([ended.then(() => true), late]);
  clearTimeout(timer);
  return inTime;
}

function numberOf(error: unknown): unknown {
  return (error as { readonly number?: unknown }).number;
}

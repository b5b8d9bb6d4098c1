import { setTimeout } from "node:timers/promises";
import { AmlError, isAmlError } from "@aml/core/adapter";
import {
  bindKeyBounds,
  bindKeyRange,
  integerKey,
  keyRanges,
  type BoundStatement,
  type KeyRange,
  type PartDialect,
  type SqlCursor,
  type SqlDialect,
  type SqlPartition,
} from "@aml/core/sql";
import type { Connection } from "mysql2";
import { checkStatement } from "./check-statement.ts";
import { command, rowsOf } from "./command.ts";
import { giveBack } from "./cursor.ts";
import { encodeValue } from "./encode-value.ts";
import { connectError, queryError } from "./errors.ts";
import type { Pool } from "./pool.ts";
import { readViewOf, sharesView, type ReadView } from "./read-view.ts";
import { begin, startOn, type StartOptions } from "./start.ts";

const SNAPSHOT = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
const TRIES = 20;
/** A write is over soon, most of the time. */
const PAUSE_MS = 20;

/**
 * Reads a statement in ranges of a key, all of one snapshot: each connection begins a snapshot of its own, and the server
 * is asked whether they are one. MariaDB tells the place of each in its binary log. Elsewhere InnoDB tells what each sees,
 * to whoever has the right PROCESS. A write in between makes them differ, and they begin anew.
 *
 * @throws `permission_denied` without that right; `unsupported` where InnoDB does not tell; `config_invalid` for a key that
 *   is no integer; `unavailable` where so much is written that no snapshot is shared.
 * @see https://mariadb.com/kb/en/enhancements-for-start-transaction-with-consistent-snapshot/ – read 2026-11
 */
export async function startRanges(
  pool: Pool,
  dialect: SqlDialect & { readonly parts: PartDialect },
  statement: BoundStatement,
  options: StartOptions,
  { column, ranges }: SqlPartition,
): Promise<readonly SqlCursor[]> {
  checkStatement(statement.text);
  const connections = await sameSnapshot(pool, ranges, options.signal);
  const cursors: SqlCursor[] = [];
  try {
    const [first, ...others] = connections as [Connection, ...Connection[]];
    const keys = await keysOf(pool, first, bindKeyBounds(statement, column, dialect), column, ranges);
    for (const spare of others.slice(keys.length - 1)) await giveBack(pool, spare);
    for (const [at, range] of keys.entries()) {
      const connection = connections[at] as Connection;
      cursors.push(await startOn(pool, connection, bindKeyRange(statement, column, range, dialect), options));
    }
    return cursors;
  } catch (error) {
    await Promise.all(cursors.map((cursor) => cursor.cancel()));
    await Promise.all(connections.map((connection) => pool.kill(connection)));
    throw error;
  }
}

async function sameSnapshot(pool: Pool, count: number, signal: AbortSignal): Promise<readonly Connection[]> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const connections: Connection[] = [];
    try {
      for (let at = 0; at < count; at += 1) connections.push(await begin(pool, SNAPSHOT, signal));
      if (await isShared(pool, connections)) return connections;
      for (const connection of connections) await giveBack(pool, connection);
      await setTimeout(PAUSE_MS, undefined, { signal });
    } catch (error) {
      for (const connection of connections) pool.drop(connection);
      throw signal.aborted ? error : connectError(error, pool.facts);
    }
  }
  throw new AmlError("unavailable", `${pool.facts.uri} is written to so much that no snapshot was shared.`, {
    operation: "query",
    hint: "Try again later, or use fewer ranges.",
  });
}

async function isShared(pool: Pool, connections: readonly Connection[]): Promise<boolean> {
  const [first] = connections as [Connection];
  const places = await Promise.all(connections.map(placeOf));
  if (!places.includes("")) return new Set(places).size === 1;
  const [row = []] = await command(first, "SHOW ENGINE INNODB STATUS");
  const status = String(row[2]);
  const views = connections.map(({ threadId }) => readViewOf(status, threadId ?? -1));
  if (views.includes(undefined)) throw noSnapshot(pool);
  return sharesView(views as ReadView[]);
}

/** Of the connection's snapshot; empty where the server does not tell it. */
async function placeOf(connection: Connection): Promise<string> {
  const rows = await command(connection, "SHOW STATUS LIKE 'binlog\\_snapshot\\_%'");
  return rows
    .filter(([name]) => /_(file|position)$/i.test(String(name)))
    .map(([, value]) => String(value))
    .filter((value) => value !== "" && value !== "0")
    .join(":");
}

/** The ranges between the smallest and the largest key of the snapshot. */
async function keysOf(
  { facts }: Pool,
  connection: Connection,
  bounds: BoundStatement,
  column: string,
  ranges: number,
): Promise<readonly KeyRange[]> {
  let found: readonly unknown[];
  try {
    const { default: mysql } = await import("mysql2");
    const bound = bounds.values.map((value) => encodeValue(value, mysql.TypedParameter));
    [found = []] = await rowsOf(connection, bounds.text, bound);
  } catch (error) {
    throw isAmlError(error) ? error : queryError(error, facts, bounds);
  }
  const [least, most] = found.map((value) => integerKey(value, column));
  return keyRanges(least, most, ranges);
}

function noSnapshot({ facts }: Pool): AmlError {
  return new AmlError(
    "unsupported",
    `${facts.uri} does not tell whether two connections see the same data.`,
    {
      operation: "query",
      hint: "Read without partitionOn. Snapshots are those of InnoDB.",
    },
  );
}

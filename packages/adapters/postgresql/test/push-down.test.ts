import type { TabularDataset } from "@aml/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openBench } from "./open-bench.ts";
import { sharedPostgres } from "./postgres.ts";
import { outcomeOf, pushDownCases, type Bench } from "../../../engine-duckdb/test/push-down.ts";

let bench: Bench;

const TABLE = `
  DROP TABLE IF EXISTS many;
  DROP COLLATION IF EXISTS blind;
  CREATE COLLATION blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
  CREATE TABLE many (id int, small smallint, big bigint, ratio float8, price numeric(12,3), loose numeric, t text,
    v varchar(10), c char(4), blind text COLLATE blind, flag boolean, at timestamptz, plain timestamp, day date, r real);
  INSERT INTO many SELECT n,
    CASE WHEN n % 7 > 0 THEN n % 9 - 4 END,
    (ARRAY[NULL, 9223372036854775807, 9007199254740993, 9007199254740992, 1, -1])[n % 6 + 1],
    (ARRAY[NULL, 'NaN', 'Infinity', '-Infinity', '0.1', '1.5', '-0.25', '7', '-0'])[n % 9 + 1]::float8,
    CASE WHEN n = 150 THEN 'NaN' ELSE (ARRAY[NULL, 1.5, 0, -0.25, 7, 3])[n % 6 + 1] END,
    CASE WHEN n = 200 THEN 'NaN' ELSE (ARRAY[NULL, 1.5, 0.1, 7])[n % 4 + 1] END,
    (ARRAY[NULL, '', 'a', 'A', 'a ', 'abc', 'é', E'e\\u0301', 'b''c', 'x\\y', '7'])[n % 11 + 1],
    (ARRAY[NULL, 'a', 'ABC', 'abc'])[n % 4 + 1],
    (ARRAY[NULL, 'a', 'abc', ''])[n % 4 + 1],
    (ARRAY[NULL, 'a', 'A', 'ABC', 'abc'])[n % 5 + 1],
    (ARRAY[NULL, true, false])[n % 3 + 1],
    CASE WHEN n = 5 THEN 'infinity' ELSE
      (ARRAY[NULL, '2026-01-01Z', '2026-01-01 12:30:00.123456Z', '2026-01-01 01:00+02'])[n % 4 + 1] END::timestamptz,
    (ARRAY[NULL, '2026-01-01', '1999-12-31 23:59:59.999999', '2026-01-01 12:30:00.123456'])[n % 4 + 1]::timestamp,
    (ARRAY[NULL, '2026-01-01', '1999-12-31', '2026-01-02'])[n % 4 + 1]::date,
    (ARRAY[NULL, 0.1, 1.5, 7])[n % 4 + 1]
  FROM generate_series(1, 300) n`;

beforeAll(async () => {
  const server = await sharedPostgres();
  await server.admin.query(TABLE);
  bench = await openBench();
});
afterAll(() => bench.close());

const NAMES = "id,small,big,ratio,price,loose,t,v,c,blind,flag,at,plain,day,r".split(",");

describe("push-down to PostgreSQL", () => pushDownCases(() => bench, NAMES, 150));

test.each(["price", "loose"])(
  "NaN in %s makes it text to the engine, also where it is in no row that is left",
  async (name) => {
    const query = "select * from many";
    for (const steps of [
      (table: TabularDataset) => table.filter("id < 50 and id > 5").filter(`${name} > 1`),
      (table: TabularDataset) => table.filter(`${name} > 1 and id < 50 and id > 5`),
      (table: TabularDataset) => table.dropColumns("at").take(50).filter(`${name} > 1`),
      (table: TabularDataset) => table.filter(`${name} == 'NaN'`).keepColumns("id"),
    ]) {
      const expected = await outcomeOf(steps(bench.whole(query)));
      expect(await outcomeOf(steps(bench.pushed(query)))).toEqual(expected);
    }
    const sorted = `${query} order by id`;
    const few = (table: TabularDataset): TabularDataset =>
      table.dropColumns("at").take(50).filter(`${name} > 1`);
    expect(await outcomeOf(few(bench.pushed(sorted)))).toEqual(await outcomeOf(few(bench.whole(sorted))));
    bench.received();
    await outcomeOf(bench.pushed(query).dropColumns("at").filter("id < 50").take(20));
    expect(bench.received()).toBe(20);
  },
);

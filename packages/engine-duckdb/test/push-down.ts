import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import {
  isAmlError,
  type Expr,
  type Row,
  type SqlSource,
  type TabularDataset,
  type Workspace,
} from "@aml/core";
import { defineSqlAdapter } from "@aml/core/adapter";
import { memoryRegistry, memorySecrets } from "@aml/core/memory";
import { createWorkspace } from "@aml/core/workspace";
import { createDuckDBEngine } from "@aml/engine-duckdb";
import { randomRuns, runs } from "@aml/kit/runs";
import { local } from "@aml/local";
import fc from "fast-check";
import { expect, test } from "vitest";

/** Tables over the queries of a database, with what the database does and with it doing nothing but give its rows. */
export interface Bench {
  pushed(query: string): TabularDataset;
  whole(query: string): TabularDataset;
  readonly workspace: Workspace;
  /** Rows that came from the database since it was asked last. */
  received(): number;
  close(): Promise<void>;
}

export async function createBench(source: SqlSource): Promise<Bench> {
  let count = 0;
  const counted: SqlSource = {
    ...source,
    async query(statement, options) {
      const result = await source.query(statement, options);
      async function* batches(): AsyncGenerator<readonly Row[]> {
        for await (const batch of result.batches) {
          count += batch.length;
          yield batch;
        }
      }
      return { ...result, batches: { [Symbol.asyncIterator]: batches } };
    },
    close: async () => undefined,
  };
  const adapter = (type: string, store: SqlSource) =>
    defineSqlAdapter({
      type,
      credentialKinds: ["password"],
      parseOptions: () => ({}),
      open: () => store,
    });
  const workspace = createWorkspace({
    adapters: [local, adapter("pushed", counted), adapter("whole", { ...counted, parts: undefined })],
    registry: memoryRegistry(),
    secrets: memorySecrets(),
    engine: createDuckDBEngine(),
  });
  const credential = { kind: "password", username: "x", password: "x" } as const;
  for (const type of ["pushed", "whole"]) {
    await workspace.datastores.register(
      { name: type, type, options: {}, credential },
      { skipValidation: true },
    );
  }
  return {
    workspace,
    pushed: (query) => workspace.tabular.fromSqlQuery({ datastore: "pushed", query }),
    whole: (query) => workspace.tabular.fromSqlQuery({ datastore: "whole", query }),
    received() {
      const before = count;
      count = 0;
      return before;
    },
    async close() {
      await workspace[Symbol.asyncDispose]();
      await source.close();
    },
  };
}

/** The rows or the code of the error. Decimals in `loose` have no digits declared: the engine gives them what its rows need. */
export async function outcomeOf(table: TabularDataset): Promise<readonly Row[] | string> {
  try {
    const rows: Row[] = [];
    for await (const row of table.rows()) {
      const { loose } = row;
      rows.push(typeof loose === "string" ? { ...row, loose: loose.replace(/\.?0+$/, "") } : row);
    }
    return rows;
  } catch (error) {
    if (isAmlError(error)) return error.code;
    throw error;
  }
}

const time = (...parts: number[]): Expr => ({ fn: "datetime", args: parts.map((lit) => ({ lit })) });

/** Constants that the rows hold, nearly hold, and never hold. */
const CONSTANTS: readonly Expr[] = [
  ...[0, 1, -1, 3, 7, 2 ** 31, 1.5, -0.25, 0.1, 9007199254740991].map((lit) => ({ lit })),
  { int: "9223372036854775807" },
  { int: "9007199254740993" },
  ...["", "a", "A", "a ", "abc", "ABC", "é", "e\u0301", "b'c", "x\\y", "7"].map((lit) => ({ lit })),
  { lit: true },
  { lit: false },
  time(2026, 1, 1),
  time(2026, 1, 1, 12, 30, 0, 123456),
  time(1999, 12, 31, 23, 59, 59, 999999),
];

const constant = fc.constantFrom(...CONSTANTS);

function leaf(names: readonly string[]): fc.Arbitrary<Expr> {
  const column = fc.constantFrom(...names).map((col): Expr => ({ col }));
  const sign = fc.constantFrom("==", "!=", "<", "<=", ">", ">=") as fc.Arbitrary<"==">;
  return fc.oneof(
    {
      weight: 5,
      arbitrary: fc.tuple(sign, column, constant).map(([fn, a, b]): Expr => ({ fn, args: [a, b] })),
    },
    fc.tuple(sign, constant, column).map(([fn, a, b]): Expr => ({ fn, args: [a, b] })),
    fc.tuple(sign, column, column).map(([fn, a, b]): Expr => ({ fn, args: [a, b] })),
    fc
      .tuple(
        fc.constantFrom("in" as const, "not_in" as const),
        column,
        fc.array(constant, { minLength: 1, maxLength: 3 }),
      )
      .map(([fn, a, items]): Expr => ({ fn, args: [a, ...items] })),
    fc
      .tuple(fc.constantFrom("is_null" as const, "is_not_null" as const), column)
      .map(([fn, a]): Expr => ({ fn, args: [a] })),
    column,
    column.map((a): Expr => ({ fn: "starts_with", args: [a, { lit: "a" }] })),
  );
}

function filterOf(names: readonly string[]): fc.Arbitrary<Expr> {
  const one = leaf(names);
  const nested = fc.oneof(
    one,
    one.map((a): Expr => ({ fn: "not", args: [a] })),
    fc
      .tuple(fc.constantFrom("and" as const, "or" as const), one, one)
      .map(([fn, a, b]): Expr => ({ fn, args: [a, b] })),
  );
  return fc.oneof(
    { weight: 3, arbitrary: nested },
    nested.map((a): Expr => ({ fn: "not", args: [a] })),
    fc
      .tuple(fc.constantFrom("and" as const, "or" as const), nested, nested)
      .map(([fn, a, b]): Expr => ({ fn, args: [a, b] })),
  );
}

type Change = (table: TabularDataset) => TabularDataset;
type NamedChange = readonly [name: string, change: Change];

/** One to five steps over a table of these columns. */
export function changes(names: readonly string[]): fc.Arbitrary<readonly NamedChange[]> {
  const some = fc.subarray([...names], { minLength: 1 });
  const named = (name: string, change: Change): NamedChange => [name, change];
  const step = fc.oneof(
    {
      weight: 4,
      arbitrary: filterOf(names).map((where) => named(JSON.stringify(where), (table) => table.filter(where))),
    },
    some.map((columns) => named(`keep ${columns.join()}`, (table) => table.keepColumns(columns))),
    some.map((columns) => named(`drop ${columns.join()}`, (table) => table.dropColumns(columns))),
    fc.nat(40).map((count) => named(`take ${count}`, (table) => table.take(count))),
    fc.nat(10).map((count) => named(`skip ${count}`, (table) => table.skip(count))),
  );
  return fc.array(step, { minLength: 1, maxLength: 5 });
}

/** What is asked of every database that has the table `many`, of 300 rows whose `id` counts from 1. */
export function pushDownCases(
  bench: () => Bench,
  names: readonly string[],
  plans: number,
  // The emulator of Azure SQL lets a subquery have columns without a name.
  unnamed: readonly string[] = ["select id, id + 1 from many where id < 20"],
): void {
  test("any steps give the same rows with it and without", async () => {
    let fewer = 0;
    await fc.assert(
      fc.asyncProperty(changes(names), async (steps) => {
        const query = "select * from many";
        const apply = (table: TabularDataset): TabularDataset =>
          steps.reduce((next, [, change]) => change(next), table);
        const expected = await outcomeOf(apply(bench().whole(query)));
        const all = bench().received();
        expect(await outcomeOf(apply(bench().pushed(query)))).toEqual(expected);
        if (bench().received() < all) fewer += 1;
      }),
      randomRuns(plans),
    );
    // Of a few plans, one more may have nothing to push.
    expect(fewer).toBeGreaterThan(runs(plans) / 3 - 1);
  }, 300_000);

  test("only what is wanted comes from the database", async () => {
    const table = bench().pushed("select * from many; -- all of it");
    bench().received();
    const few = await outcomeOf(table.filter("id > 290").keepColumns("id").skip(2).take(3));
    expect([few.length, bench().received()]).toEqual([3, 3]);
    expect(few[0]).toEqual({ id: expect.any(Number) });
    // Texts may be equal to a collation that differ: they are compared again.
    const texts = await outcomeOf(table.filter("t == 'abc' and id <= 110").keepColumns(["id", "t"]));
    expect(texts).toEqual(Array.from({ length: 10 }, (_, at) => ({ id: 5 + 11 * at, t: "abc" })));
    expect(bench().received()).toBeLessThan(110);
    const named = await table.filter("t == 'abc'").keepColumns("id").explain();
    expect(named.query).toMatchObject({ pushedSteps: [], notPushed: expect.stringContaining("runs again") });
    expect(named.query?.sent).not.toContain("price");
  });

  test("a query that sorts keeps its order: the database takes its first rows", async () => {
    const table = bench().pushed("select id from many order by id desc -- newest first");
    bench().received();
    expect(await outcomeOf(table.skip(1).take(2))).toEqual([{ id: 299 }, { id: 298 }]);
    expect(bench().received()).toBe(2);
    expect(await outcomeOf(table.filter("id < 100").take(2))).toEqual([{ id: 99 }, { id: 98 }]);
    expect(bench().received()).toBe(300);
    const { query } = await table.filter("id < 100").explain();
    expect(query).toMatchObject({ pushedSteps: [], notPushed: expect.stringContaining("sorts its rows") });
    expect(await outcomeOf(table.take(0))).toEqual([]);
  });

  test("with WITH, and what no subquery may hold, the rows are the same", async () => {
    for (const query of [
      "with few as (select id from many where id < 20) select id from few",
      ...unnamed,
      "select id, id from many where id < 20",
      "select id from many where id < 20;;",
    ]) {
      const change = (table: TabularDataset): TabularDataset => table.filter("id > 15").take(3);
      const expected = await outcomeOf(change(bench().whole(query)));
      expect(expected).toHaveLength(3);
      expect(await outcomeOf(change(bench().pushed(query)))).toEqual(expected);
    }
    const many = "-- of (many)\nwith few (id, t) as (select id, t from many), less as (select id from few)\n";
    for (const select of [
      "select l.id from less l join few f on f.id = l.id",
      "select id from less where id in (select id from few)",
    ]) {
      const table = bench().pushed(`${many}${select};`).filter("id > 15").take(3);
      bench().received();
      expect(await outcomeOf(table)).toHaveLength(3);
      expect(bench().received()).toBe(3);
    }
    // Brackets around it: the database may be asked for the whole.
    const united = `${many}(select id from less where id < 3) union all select id from less where id > 298`;
    const rows = await outcomeOf(bench().pushed(united).filter("id != 2"));
    expect(rows).toEqual(await outcomeOf(bench().whole(united).filter("id != 2")));
    expect(rows).toHaveLength(3);
  });

  test("errors are those of the query as it was written", async () => {
    for (const query of [
      "select id,\n  nope from many",
      "select id\nfrom nowhere",
      "select id from many where\n",
      "select 1) x",
      "with few as (select id from many)\nselect id,\n  nope from few",
    ]) {
      const error = async (table: TabularDataset): Promise<unknown> =>
        table
          .filter("id > 1")
          .schema()
          .catch((thrown: unknown) => thrown);
      const [own, other] = [await error(bench().pushed(query)), await error(bench().whole(query))];
      expect(isAmlError(own) && own.message).toBe(isAmlError(other) && other.message);
      expect(isAmlError(own) && own.context).toEqual(isAmlError(other) && other.context);
    }
  });

  test("a mistake in a step that is left is named by its place in the plan", async () => {
    const table = bench().pushed("select * from many").filter("id > 1").filter("nowhere == 1");
    await expect(table.schema()).rejects.toMatchObject({
      code: "plan_invalid",
      message: expect.stringContaining("Step 1 (filter)"),
      context: { step: 1, column: "nowhere" },
    });
  });

  test("a statement joins its table with files; only columns that it names are fetched", async () => {
    const { workspace } = bench();
    const folder = await mkdtemp(join(tmpdir(), "aml-join-"));
    try {
      await writeFile(join(folder, "few.csv"), "id,label\n3,three\n5,five\n1000,none\n");
      const files = workspace.tabular.fromDelimitedFiles(`${pathToFileURL(folder).href}/*.csv`);
      const many = bench().pushed("select * from many").filter("id <= 4 or id > 290");
      bench().received();
      const joined = workspace.sql(
        "select f.label, m.id as ID, t from files f left join MANY m using (id) order by f.id",
        { files, many },
      );
      const rows: Row[] = [];
      for await (const row of joined.rows()) rows.push(row);
      expect(rows).toEqual([
        { label: "three", ID: 3, t: "A" },
        { label: "five", ID: null, t: null },
        { label: "none", ID: null, t: null },
      ]);
      expect(bench().received()).toBe(14);
      const { tables } = await joined.explain();
      expect(tables.map(({ name }) => name)).toEqual(["files", "many"]);
      expect(tables[0]).toMatchObject({ files: { listed: 1 }, bytes: { fetch: 0 } });
      expect(tables[1]?.query).toMatchObject({ pushedSteps: [0], parameters: { constant_1: "integer" } });
      expect(tables[1]?.query?.sent).not.toContain("price");
      bench().received();
      const where = workspace.sql("select t from many where ID > 290 and t = 'abc'", {
        many: bench().pushed("select * from many"),
      });
      const found: Row[] = [];
      for await (const row of where.rows()) found.push(row);
      expect(found).toEqual([{ t: "abc" }]);
      expect(bench().received()).toBeLessThanOrEqual(3);
      expect((await where.explain()).tables[0]?.query?.parameters).toEqual({
        constant_1: "integer",
        constant_2: "text",
      });
      const counted = workspace.sql("select count(*) as n from many", { many });
      for await (const row of counted.rows()) expect(row).toEqual({ n: 14n });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  test("a statement gives the same rows, whatever the database does of its WHERE", async () => {
    const { workspace, received } = bench();
    let fewer = 0;
    for (const where of [
      "id in (3, 290) or id between 7 and 9",
      "not (id > 5)",
      "t <> 'abc' and id < 40",
      "not (t = 'abc' or t in ('a', 'x')) and id < 40",
      "v >= 'ABC' and v < 'a' or id = 1",
      "ratio > 1.5 or ratio = 0.1 and id < 30",
      "ratio not in (1.5, 7)",
      "big = 9007199254740993 or big <> 1 and small > 0",
      "day = date '2026-01-01' or day > '2026-01-01'",
      "plain = '2026-01-01 12:30:00.123456' or plain < timestamp '2000-01-01 00:00:00'",
      "t is null and small is not null",
    ]) {
      const rows = async (many: TabularDataset): Promise<readonly Row[]> => {
        const out: Row[] = [];
        const text = `select id, t, cast(ratio as varchar) as r, day from many where ${where} order by id`;
        for await (const row of workspace.sql(text, { many }).rows()) out.push(row);
        return out;
      };
      const query = "select id, small, big, ratio, price, t, v, plain, day from many";
      const expected = await rows(bench().whole(query));
      received();
      expect(await rows(bench().pushed(query)), where).toEqual(expected);
      if (received() < 300) fewer += 1;
    }
    expect(fewer).toBeGreaterThan(2);
  });

  test("the explanation shows what is sent, and no constant", async () => {
    const { query, sql } = await bench()
      .pushed("select * from many")
      .filter("id > 271828 and d_unknown == 1")
      .explain()
      .catch(() =>
        bench().pushed("select * from many").filter("id > 271828").keepColumns("id").take(7).explain(),
      );
    expect(query?.pushedSteps).toEqual([0, 1, 2]);
    expect(query?.sent).toContain("select * from many");
    expect(query?.sent).toContain(":constant_1");
    expect(query?.parameters).toEqual({ constant_1: "integer" });
    expect(JSON.stringify(query)).not.toContain("271828");
    expect(sql).toBeUndefined();
  });
}

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  columnNames,
  createRowBuilder,
  createSqlSource,
  keyRanges,
  placeAt,
  placeOfLine,
  type SqlCursor,
  type SqlDriver,
} from "@aml/core/sql";

describe("keyRanges", () => {
  test("every key is in exactly one range, and the ends are open", () => {
    fc.assert(
      fc.property(
        fc.bigInt(-50n, 50n),
        fc.bigInt(0n, 60n),
        fc.integer({ min: 1, max: 9 }),
        (least, width, count) => {
          const ranges = keyRanges(least, least + width, count);
          expect(ranges.length).toBe(Math.min(count, Number(width) + 1));
          expect(ranges.filter(({ nulls }) => nulls)).toHaveLength(1);
          for (let key = least - 2n; key <= least + width + 2n; key += 1n) {
            const holding = ranges.filter(
              ({ from, to }) => (from === undefined || key >= from) && (to === undefined || key < to),
            );
            expect(holding).toHaveLength(1);
          }
        },
      ),
    );
  });

  test("an empty table is one range; int64 does not overflow", () => {
    expect(keyRanges(undefined, undefined, 4)).toEqual([{ from: undefined, to: undefined, nulls: true }]);
    const ranges = keyRanges(-(2n ** 63n), 2n ** 63n - 1n, 2);
    expect(ranges.map(({ from, to }) => [from, to])).toEqual([
      [undefined, 0n],
      [0n, undefined],
    ]);
  });
});

describe("placeAt", () => {
  test("shows the line with a caret below the place", () => {
    const text = "select 1,\n\té😀 fromm x\nwhere true";
    expect(placeAt(text, text.indexOf("fromm"))).toEqual({
      line: 2,
      column: 5,
      shown: "line 2, column 5:\n   é😀 fromm x\n      ^",
    });
    expect(placeOfLine(text, 3)).toEqual({ line: 3, shown: "line 3:\n  where true" });
  });

  test("shows a part of a long line", () => {
    const { shown, column } = placeAt(`${"x".repeat(5000)}!${"y".repeat(5000)}`, 5000);
    const [, line = "", caret = ""] = shown.split("\n");
    expect([column, line.length, line[caret.indexOf("^")]]).toEqual([5001, 102, "!"]);
  });
});

test("columns of one name are told apart, and nameless ones get a name", () => {
  expect(columnNames(["id", "", "id", "id_1", ""])).toEqual(["id", "Column2", "id_2", "id_1", "Column5"]);
});

test("__proto__ is a column like any other", () => {
  const row = createRowBuilder(["__proto__", "a"])((column) => column);
  expect(Object.entries(row)).toEqual([
    ["__proto__", 0],
    ["a", 1],
  ]);
});

describe("createSqlSource", () => {
  const dialect = { placeholder: (index: number) => `$${index}`, quotes: { "'": "'" } };
  const never = new Promise<never>(() => undefined);

  function source(cursor: Partial<SqlCursor>, driver: Partial<SqlDriver> = {}) {
    const calls: string[] = [];
    const sql = createSqlSource({
      type: "x",
      uri: "x://h/db",
      dialect,
      start: async () => ({
        schema: { columns: [] },
        read: async () => undefined,
        cancel: async () => {
          calls.push("cancel");
        },
        ...cursor,
      }),
      close: async () => undefined,
      ...driver,
    });
    return { sql, calls };
  }

  test("an abort wins over a driver that never answers, and what comes late is cancelled", async () => {
    let answer: (cursor: SqlCursor) => void = () => undefined;
    const { sql } = source({}, { start: () => new Promise((resolve) => (answer = resolve)) });
    const controller = new AbortController();
    const waiting = sql.query({ text: "x" }, { signal: controller.signal });
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    const cancelled = new Promise<void>((resolve) => {
      answer({ schema: { columns: [] }, read: async () => undefined, cancel: async () => resolve() });
    });
    await cancelled;
  });

  test("an abort while no batch is asked for cancels, and the next batch rejects with the reason", async () => {
    const { sql, calls } = source({ read: async () => [{}] });
    const controller = new AbortController();
    const { batches } = await sql.query({ text: "x" }, { signal: controller.signal });
    const reader = batches[Symbol.asyncIterator]();
    expect(await reader.next()).toEqual({ done: false, value: [{}] });
    const reason = new Error("enough");
    controller.abort(reason);
    expect(calls).toEqual(["cancel"]);
    await expect(reader.next()).rejects.toBe(reason);
  });

  test("a timeout counts the waiting only", async () => {
    const { sql, calls } = source({ read: () => never });
    const { batches } = await sql.query({ text: "x" }, { timeoutMs: 5 });
    await expect(batches[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "timeout" });
    expect(calls).toEqual(["cancel"]);
  });

  test("a result is read once, and disposing of it twice cancels once", async () => {
    const { sql, calls } = source({});
    const done = await sql.query({ text: "x" });
    for await (const _ of done.batches);
    await expect(done.batches[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: "query_failed" });
    expect(calls).toEqual([]);
    const left = await sql.query({ text: "x" });
    await left[Symbol.asyncDispose]();
    await left[Symbol.asyncDispose]();
    expect(calls).toEqual(["cancel"]);
  });

  test("ranges without a driver's snapshot are refused, and numbers checked", async () => {
    const { sql } = source({});
    const partitionOn = { column: "id", ranges: 2 };
    await expect(sql.query({ text: "x" }, { partitionOn })).rejects.toMatchObject({ code: "unsupported" });
    await expect(
      sql.query({ text: "x" }, { partitionOn: { column: "id", ranges: 0 } }),
    ).rejects.toMatchObject({
      code: "config_invalid",
    });
    await expect(sql.query({ text: "x" }, { batchRows: 0.5 })).rejects.toMatchObject({
      code: "config_invalid",
    });
  });

  test("one range that fails ends them all", async () => {
    const calls: string[] = [];
    const cursor = (read: SqlCursor["read"], name: string): SqlCursor => ({
      schema: { columns: [] },
      read,
      cancel: async () => {
        calls.push(name);
      },
    });
    const { sql } = source(
      {},
      {
        startRanges: async () => [
          cursor(() => Promise.reject(new Error("broken")), "a"),
          cursor(() => never, "b"),
        ],
      },
    );
    const { batches } = await sql.query({ text: "x" }, { partitionOn: { column: "id", ranges: 2 } });
    await expect(batches[Symbol.asyncIterator]().next()).rejects.toThrow("broken");
    expect(calls).toEqual(["a", "b"]);
  });
});

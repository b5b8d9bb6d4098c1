import { describe, expect, test } from "vitest";
import { canary, formatSqlTypes, modelSql, modelSqlTypes, runSqlCase, sqlCases } from "@aml/adapter-testkit";

const { secret } = canary();
const types = modelSqlTypes;

describe("each case of databases passes on the model and fails on its mutant", () => {
  for (const one of sqlCases(types)) {
    test(one.id, async () => {
      await runSqlCase(one, { open: () => modelSql(secret), types, timeoutMs: 10_000 });
      const broken = (): ReturnType<typeof modelSql> => one.mutate(modelSql(secret));
      await expect(runSqlCase(one, { open: broken, types, timeoutMs: 500 })).rejects.toThrow(/\S/);
    });
  }

  test("ids are unique and there are many", () => {
    const ids = sqlCases(types).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThanOrEqual(50);
  });
});

test("the types print as a table", () => {
  const table = formatSqlTypes([
    ...types.slice(2, 3),
    { name: "sql_variant", type: "string", values: [], refused: "unsupported" },
  ]);
  expect(table.split("\n")).toEqual([
    "| type | column type | for example | what is lost |",
    "| --- | --- | --- | --- |",
    "| `int64` | `int64` | `-9223372036854775808n` |  |",
    "| `sql_variant` | – |  | refused: `unsupported` |",
    "",
  ]);
});

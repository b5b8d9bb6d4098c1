import { size } from "@aml/kit/runs";
import { DuckDBInstance } from "@duckdb/node-api";
import { expect, test } from "vitest";
import { compileConversion } from "../src/compile-convert.ts";

// Conversions have a quick way for texts as they are usually written. It must tell nothing else than the slow one.

async function differing(texts: readonly string[], quick: string, slow: string): Promise<unknown[]> {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const result = await connection.run(
      `SELECT x, (${quick})::VARCHAR, (${slow})::VARCHAR FROM (SELECT unnest(from_json($1, '["VARCHAR"]')) AS x)
       WHERE (${quick}) IS DISTINCT FROM (${slow})`,
      [JSON.stringify(texts)],
    );
    return await result.getRows();
  } finally {
    connection.disconnectSync();
    instance.closeSync();
  }
}

/** Numbers that are the same every time. */
function draws(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("integers: every single character, and digits with what DuckDB's cast lets pass", async () => {
  const draw = draws(7);
  const parts = [
    "0",
    "1",
    "9",
    "42",
    ".",
    "e",
    "E",
    "_",
    "-",
    "+",
    " ",
    "x",
    "0x",
    "٣",
    "",
    "18446744073709551616",
  ];
  const made = Array.from({ length: 20_000 }, () =>
    Array.from({ length: 1 + draw(4) }, () => parts[draw(parts.length)]).join(""),
  );
  const single = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code));
  const { sql } = compileConversion("x", "VARCHAR", "int");
  const slow = sql.replace(/^CASE WHEN try_cast.*?(?= WHEN regexp_full_match)/, "CASE");
  expect(slow).not.toBe(sql);
  expect(await differing([...made, ...single], sql, slow)).toEqual([]);
});

test("dates and times: what a cast takes and the format does not", async () => {
  const format = "%Y-%m-%d %H:%M:%S";
  const draw = draws(11);
  const base = ["2024-02-29 23:59:59", "2024-12-31 24:00:00", "0001-01-01 00:00:00", "9999-12-31 09:08:07"];
  const odd = [..." +-/.:TZ_ae0123456789٣é\t", " BC", ""];
  const made = Array.from({ length: size(200_000, 20_000) }, () => {
    const text = [...(base[draw(base.length)] ?? "")];
    for (let count = draw(5); count > 0; count -= 1) {
      const changed = odd[draw(odd.length)] ?? "";
      // In the place of a character, or between two.
      text.splice(draw(20), draw(2), changed);
    }
    return text.join("");
  });
  const named = [
    "2024-1-5 10:00:00Z",
    "2024-01-05 10:0:00+00",
    "-024-01-05 10:00:00",
    "+024-01-05 10:00:00",
    "2024-01-05 (BC) 1:0",
    "20240-1-05 10:00:00",
    "2024-01-05 10:00:0é",
    "infinity",
    "epoch",
  ];
  const parsed = `try_strptime(x, '${format}')`;
  // A year has four digits.
  const slow = `CASE WHEN year(${parsed}) > 999 OR regexp_matches(x, '0[0-9]{3}') THEN ${parsed} END`;
  const { sql } = compileConversion("x", "VARCHAR", { datetime: { formats: [format] } });
  expect(await differing([...base, ...made, ...named], sql, slow)).toEqual([]);
});

import { Secret, type Cell } from "@aml/core";
import { size } from "@aml/kit/runs";
import { postgresql } from "@aml/postgresql";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeParameter } from "../src/encode-parameter.ts";
import { parseArray, parseFields, parseJson } from "../src/parse-literals.ts";
import { PASSWORD, sharedPostgres } from "./postgres.ts";

const same = (text: string): string => text;
// The server has no NUL in its texts, and no half of a surrogate pair.
const text = fc.oneof(
  fc.string({ unit: "binary" }).map((value) => value.replaceAll("\0", "")),
  fc.string({
    unit: fc.constantFrom('"', "\\", ",", "{", "}", "(", ")", " ", "N", "U", "L", "'", "\n", "="),
  }),
);
const item = fc.option(text, { nil: null });

test("arrays are read as they are written, nested and hostile", () => {
  const list = fc.array(item);
  const table = fc.array(fc.array(item, { minLength: 2, maxLength: 2 }), { minLength: 1 });
  fc.assert(
    fc.property(fc.oneof(list, table), (value: Cell) => {
      expect(parseArray(String(encodeParameter(value)), same)).toEqual(value);
    }),
  );
});

test("what is no array, row or JSON ends in an error, not in a loop", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("{", "}", '"', "\\", ",", "a", "(", ")", "[", "=") }),
      (literal) => {
        for (const read of [
          () => parseArray(`{${literal}`, same),
          () => parseFields(`(${literal}`),
          () => parseJson(literal),
        ]) {
          try {
            read();
          } catch (error) {
            expect(error).toBeInstanceOf(Error);
          }
        }
      },
    ),
  );
});

test("arrays and rows come back from the server as they went in", async () => {
  const { port, certificate } = await sharedPostgres();
  const sql = postgresql.open({
    options: { server: "localhost", port, database: "shop", ca: certificate },
    credential: { kind: "password", username: "ada", password: new Secret(PASSWORD) },
  });
  await fc.assert(
    fc.asyncProperty(fc.array(item, { maxLength: 6 }), item, async (list, one) => {
      const { batches } = await sql.query({
        text: `SELECT :list::text[] AS list, ROW(7, :one::text, NULL)::pair AS pair, ARRAY[ROW(NULL, :one::text, NULL)::pair] AS pairs`,
        parameters: { list, one },
      });
      for await (const [row] of batches) {
        const key = 'b "x"';
        expect(row).toEqual({
          list,
          pair: { a: 7, [key]: one, at: null },
          pairs: [{ a: null, [key]: one, at: null }],
        });
      }
    }),
    { numRuns: size(60, 10) },
  );
  await sql.close();
});

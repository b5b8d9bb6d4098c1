import { isAmlError, type Cell, type ColumnType, type Row } from "@aml/core";
import { equal, failure, ok } from "./expect.ts";
import type { SqlCase, SqlContext, SqlType, SqlValue } from "./sql-case.ts";
import { ask, sameCell, valueOf, textOf } from "./sql-expect.ts";
import { rowing } from "./sql-mutate.ts";

/** A case for each type of the database, and one that holds the list itself to the limits of each column type. */
export function sqlTypeCases(types: readonly SqlType[]): readonly SqlCase[] {
  return [limits, ...types.map(typeCase)];
}

function typeCase(type: SqlType): SqlCase {
  const { name, refused } = type;
  return {
    id: `types/${name}`,
    title:
      refused === undefined ? `${name} is ${type.type}, exact at its limits` : `${name} is refused by name`,
    needs: [],
    run: (context) => (refused === undefined ? checkType(context, type) : checkRefused(context, type)),
    mutate: rowing(({ value = null }) => ({ value: MANGLE[type.type](value) })),
  };
}

async function checkType({ sql, statements }: SqlContext, { name, type, values }: SqlType): Promise<void> {
  for (const value of values) {
    const statement = statements.value(value.sql);
    const text = await ask(sql, statement, { timestamps: "text" });
    await text[Symbol.asyncDispose]();
    const [column] = text.schema.columns;
    equal(column?.type, type, `The type of ${value.sql}`);
    ok((column?.nativeType ?? "") !== "", `The column of ${value.sql} has no nativeType.`);
    if (value.text !== undefined) {
      sameCell(await valueOf(sql, statement, { timestamps: "text" }), value.text, `The text of ${value.sql}`);
    }
    if (value.textOnly !== true)
      sameCell(await valueOf(sql, statement), value.cell, `${value.sql} (${name})`);
    else await refusesDate(() => valueOf(sql, statement), value);
  }
}

async function refusesDate(read: () => Promise<Cell>, { sql }: SqlValue): Promise<void> {
  ok(isAmlError(await failure(read), "parse_failed"), `${sql} as a Date is not parse_failed.`);
}

async function checkRefused(
  { sql, statements }: SqlContext,
  { name, refused, values }: SqlType,
): Promise<void> {
  for (const { sql: expression } of values) {
    const error = await failure(() => valueOf(sql, statements.value(expression)));
    ok(isAmlError(error, refused), `${expression} failed with ${String(error)}, not with ${refused}.`);
    ok(error.message.includes(name), `The message does not name ${name}: ${error.message}`);
  }
}

/** What a careless driver makes of a value. */
const MANGLE: Readonly<Record<ColumnType, (cell: Cell) => Cell>> = {
  boolean: Number,
  int32: (cell) => (cell === null ? null : BigInt(cell as number)),
  int64: (cell) => (cell === null ? null : Number(cell)),
  float64: (cell) => (cell === null ? null : textOf(cell)),
  decimal: (cell) => (cell === null ? null : Number(cell)),
  string: (cell) => (cell === null ? null : (cell as string).length),
  bytes: (cell) => (cell === null ? null : [...(cell as Uint8Array)]),
  date: (cell) => (cell === null ? null : new Date(`${cell as string}T00:00:00Z`)),
  timestamp: (cell) => (cell === null ? null : Number(cell)),
  json: (cell) => JSON.stringify(cell),
};

const HAS: Readonly<Record<ColumnType, Readonly<Record<string, (cell: Cell, value: SqlValue) => boolean>>>> =
  {
    boolean: { true: (cell) => cell === true, false: (cell) => cell === false },
    int32: { "-2^31": (cell) => cell === -(2 ** 31), "2^31-1": (cell) => cell === 2 ** 31 - 1 },
    int64: { "-2^63": (cell) => cell === -(2n ** 63n), "2^63-1": (cell) => cell === 2n ** 63n - 1n },
    float64: {
      "the largest double": (cell) => cell === Number.MAX_VALUE,
      "0.1": (cell) => cell === 0.1,
    },
    decimal: { "38 digits": (cell) => textOf(cell).replace(/\D/g, "").length >= 38 },
    string: {
      "an empty text": (cell) => cell === "",
      "an emoji": (cell) => /\p{Emoji_Presentation}/u.test(textOf(cell)),
    },
    bytes: {
      "no byte": (cell) => cell instanceof Uint8Array && cell.length === 0,
      "bytes 0 and 255": (cell) => cell instanceof Uint8Array && cell.includes(0) && cell.includes(255),
    },
    date: {
      "29 February": (cell) => textOf(cell).endsWith("-02-29"),
      "9999-12-31": (cell) => cell === "9999-12-31",
    },
    timestamp: { microseconds: (_cell, { text = "" }) => /\.\d{5}[1-9]/.test(text) },
    json: { "a nested value": (cell) => cell !== null && typeof cell === "object" },
  };

const limits: SqlCase = {
  id: "types/limits",
  title: "the list of types has the limits of every column type, and a null of each type",
  needs: [],
  async run({ types, lacks }) {
    for (const [type, wanted] of Object.entries(HAS) as [ColumnType, (typeof HAS)[ColumnType]][]) {
      if (lacks.includes(type)) continue;
      const values = types
        .filter((one) => one.type === type && one.refused === undefined)
        .flatMap((one) => one.values);
      for (const [what, has] of Object.entries(wanted)) {
        ok(
          values.some((value) => has(value.cell, value)),
          `No value of type ${type} is ${what}.`,
        );
      }
    }
    for (const { name, values, refused } of types) {
      ok(refused !== undefined || values.some(({ cell }) => cell === null), `${name} has no null.`);
    }
  },
  // The list is the context's: a fixture that is given one in its place.
  mutate: (fixture) => Object.assign({ ...fixture }, { types: [] }),
};

/** The types as a Markdown table for the adapter's README. */
export function formatSqlTypes(types: readonly SqlType[]): string {
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  const rows = types.map(({ name, type, values, loss, refused }) => {
    if (refused !== undefined)
      return line([`\`${name}\``, "–", "", `refused: \`${refused}\`${loss ? `. ${loss}` : ""}`]);
    const example = values.find(({ cell, textOnly }) => cell !== null && textOnly !== true);
    return line([`\`${name}\``, `\`${type}\``, `\`${literal(example?.cell ?? null)}\``, loss ?? ""]);
  });
  return [
    line(["type", "column type", "for example", "what is lost"]),
    line(["---", "---", "---", "---"]),
    ...rows,
    "",
  ].join("\n");
}

/** As one writes the value in TypeScript. */
function literal(cell: Cell): string {
  if (typeof cell === "bigint") return `${cell}n`;
  if (cell instanceof Date) return `new Date("${cell.toISOString()}")`;
  if (cell instanceof Uint8Array) return `Uint8Array [${cell.join(", ")}]`;
  if (Array.isArray(cell)) return `[${cell.map((item: Cell) => literal(item)).join(", ")}]`;
  if (cell === null || typeof cell !== "object")
    return typeof cell === "string" ? JSON.stringify(cell) : textOf(cell);
  return `{ ${Object.entries(cell as Row)
    .map(([key, value]) => `${key}: ${literal(value)}`)
    .join(", ")} }`;
}

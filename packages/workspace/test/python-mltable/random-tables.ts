import fc from "fast-check";
import type { Fixture } from "./fixtures.ts";

/*
 * Random tables and recipes of which docs/compatibility.md names no difference: no column of 1 and 0 alone, no date that
 * is ambiguous, no row longer than its header.
 */

type Kind = fc.Arbitrary<string>;

const two = (most: number): fc.Arbitrary<string> =>
  fc.integer({ min: 1, max: most }).map((part) => String(part).padStart(2, "0"));
const day = fc.tuple(fc.integer({ min: 1700, max: 2200 }), two(12), two(28)).map((parts) => parts.join("-"));
const clock = fc.tuple(two(23), two(59), two(59)).map((parts) => parts.join(":"));
const integer = fc.oneof(
  fc.integer().map(String),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
  fc.constantFrom("+5", "007", " 8", "9 ", "-0"),
);
const float = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom("1.", ".5", "1e3", "2E-2", "NaN", "inf", "-Infinity", " 1.5", "5"),
);
const text = fc.oneof(
  fc.string({
    unit: fc.constantFrom("a", "Z", '"', ",", ";", "\t", " ", "é", "ß", "'", "/", "-", "."),
    maxLength: 8,
  }),
  fc.constantFrom(
    "NULL",
    "None",
    "N/A",
    "yes",
    "no",
    "tRuE",
    "1_000",
    "0x10",
    "5%",
    "2020",
    "-",
    "2020-02-30",
    "10:11:12",
  ),
);
const KINDS: readonly Kind[] = [
  integer,
  float,
  fc.constantFrom("true", "False", "T", "f", "Y", "No", "YES", " true", "1", "0"),
  day,
  fc
    .tuple(day, fc.constantFrom("T", " "), clock, fc.constantFrom("", "Z", "+02:00", ".5"))
    .map((parts) => parts.join("")),
  text,
];

interface Dialect {
  readonly delimiter: string;
  readonly end: string;
  readonly header: "no_header" | "all_files_same_headers" | "all_files_different_headers" | "from_first_file";
  readonly encoding: "utf8" | "latin1" | "windows1252" | "utf16";
  readonly mark: boolean;
  readonly empty_as_string: boolean;
  readonly infer_column_types: boolean;
}

const dialect: fc.Arbitrary<Dialect> = fc.record({
  delimiter: fc.constantFrom(",", ";", "\t", "|"),
  end: fc.constantFrom("\n", "\r\n"),
  header: fc.constantFrom(
    "no_header",
    "all_files_same_headers",
    "all_files_different_headers",
    "from_first_file",
  ),
  encoding: fc.constantFrom("utf8", "latin1", "windows1252", "utf16"),
  mark: fc.boolean(),
  empty_as_string: fc.boolean(),
  infer_column_types: fc.boolean(),
});

/** A field: null is nothing at all; a text may stand in quotes that it does not need. */
interface Field {
  readonly value: string | null;
  readonly quoted: boolean;
}

function written({ value, quoted }: Field, delimiter: string): string {
  if (value === null) return "";
  return quoted || value === "" || value.includes('"') || value.includes(delimiter)
    ? `"${value.replaceAll('"', '""')}"`
    : value;
}

const column = fc.constantFrom(...KINDS).chain((kind) =>
  fc.record({
    name: fc.constantFrom("a", "b", "c", " d", "e ", "É", "x y", 'q"q', "", "1", "Path"),
    // A value that tells the kind, so that no column is of 1 and 0 alone.
    first: kind.filter((value) => !/^\s*[+-]?0*[01]?\s*$/.test(value)),
    fields: fc.array(fc.record({ value: fc.option(kind, { freq: 5 }), quoted: fc.boolean() }), {
      minLength: 6,
      maxLength: 6,
    }),
  }),
);

export const delimitedTable: fc.Arbitrary<Fixture["files"]> = fc
  .record({
    dialect,
    columns: fc.array(column, { minLength: 1, maxLength: 4 }),
    rows: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 2 }),
    short: fc.boolean(),
    take: fc.option(fc.integer({ min: 0, max: 4 })),
    skip: fc.option(fc.integer({ min: 0, max: 2 })),
  })
  .map(({ dialect: how, columns, rows, short, take, skip }) => {
    const { delimiter, end, mark, ...options } = how;
    // Fields that no row is left with are no column there.
    const chosen = take !== null || skip !== null;
    const line = (fields: readonly Field[]): string =>
      fields.map((field) => written(field, delimiter)).join(delimiter) + end;
    const files = rows.map((count, file) => {
      const header =
        options.header === "no_header"
          ? ""
          : line(columns.map(({ name }) => ({ value: name, quoted: true })));
      const body = Array.from({ length: count }, (_, row) => {
        // A column of which nothing is left behind a skip is an error there.
        const full = row === 0 || (skip !== null && (take !== null || row === count - 1));
        const fields = columns.map(({ first, fields: all }): Field => {
          const field = row === 0 ? undefined : all[row];
          return field === undefined || (full && field.value === null)
            ? { value: first, quoted: false }
            : field;
        });
        const cut =
          short && !chosen && row === count - 1 && row > 0 && columns.length > 1
            ? fields.slice(0, -1)
            : fields;
        // A line of nothing is none.
        return cut.every(({ value }) => value === null) ? "" : line(cut);
      });
      return [`${file}.csv`, encoded(header + body.join(""), options.encoding, mark)] as const;
    });
    const transformations = [
      { read_delimited: { delimiter, ...options } },
      ...(skip === null ? [] : [{ skip }]),
      ...(take === null ? [] : [{ take }]),
    ];
    const paths = files.map(([name]) => ({ file: `./${name}` }));
    return {
      MLTable: JSON.stringify({ type: "mltable", paths, transformations }),
      ...Object.fromEntries(files),
    };
  });

function encoded(content: string, encoding: Dialect["encoding"], mark: boolean): { readonly base64: string } {
  if (encoding === "latin1" || encoding === "windows1252")
    return { base64: Buffer.from(content, "latin1").toString("base64") };
  const bytes = Buffer.from((mark ? "\ufeff" : "") + content, encoding === "utf16" ? "utf16le" : "utf8");
  return { base64: bytes.toString("base64") };
}

const JSON_KINDS: readonly fc.Arbitrary<unknown>[] = [
  fc.integer(),
  // Of many digits the last may be another there.
  fc.integer({ min: -1_000_000, max: 1_000_000 }).map((eighths) => eighths / 8 + 1 / 16),
  fc.boolean(),
  fc.string({ unit: "grapheme", maxLength: 6 }),
  fc.array(fc.integer(), { maxLength: 3 }),
  day,
];

export const jsonTable: fc.Arbitrary<Fixture["files"]> = fc
  .record({
    columns: fc.uniqueArray(
      fc.constantFrom(...JSON_KINDS).chain((kind) =>
        fc.record({
          name: fc.constantFrom("a", "b", "A", "é", " x", "a.b", "1"),
          first: kind,
          cells: fc.array(fc.option(kind, { nil: undefined, freq: 4 }), { minLength: 6, maxLength: 6 }),
        }),
      ),
      { minLength: 1, maxLength: 4, selector: ({ name }) => name },
    ),
    count: fc.integer({ min: 1, max: 6 }),
    explicit: fc.boolean(),
  })
  .map(({ columns, count, explicit }) => {
    const lines = Array.from({ length: count }, (_, row) => {
      const entries = columns.map(({ name, first, cells }) => {
        const cell = row === 0 ? first : cells[row];
        return [name, cell ?? (explicit ? null : undefined)] as const;
      });
      return JSON.stringify(Object.fromEntries(entries));
    });
    const recipe = {
      type: "mltable",
      paths: [{ file: "./t.jsonl" }],
      transformations: [{ read_json_lines: {} }],
    };
    return { MLTable: JSON.stringify(recipe), "t.jsonl": `${lines.join("\n")}\n` };
  });

import { isAmlError, type Row } from "@aml/core";
import { randomRuns, sample, size } from "@aml/kit/runs";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { expect, test } from "vitest";
import { splitRecords, type OracleOptions } from "./csv-oracle.ts";
import { createHarness, failureOf } from "./harness.ts";

const h = await createHarness();
const text = { op: "read_delimited", infer_column_types: false };

interface Case extends OracleOptions {
  readonly header: string;
  readonly emptyAsString: boolean;
  readonly texts: readonly string[];
}

const PIECES = 'a|b|x y|\n|\n|\r\n|\r|D|D|D|"|"|""|"D"|"\n"|"x"| |\t|é|\0|0|d|\'|\\|\ufeff|-|#|NULL'.split(
  "|",
);
const cases: fc.Arbitrary<Case> = fc
  .record({
    delimiter: fc.constantFrom(",", ";", "\t", "|", "||", ",;", "ab", "é"),
    multiLine: fc.boolean(),
    emptyAsString: fc.boolean(),
    header: fc.constantFrom(
      "all_files_same_headers",
      "all_files_different_headers",
      "from_first_file",
      "no_header",
    ),
    files: fc.array(
      fc.record({
        mark: fc.constantFrom("", "", "\ufeff"),
        head: fc.constantFrom("aDbDc\n", "cDa\n", ""),
        pieces: fc.array(fc.constantFrom(...PIECES), { maxLength: 24 }),
        end: fc.constantFrom("", "\n", "\r\n"),
      }),
      { minLength: 1, maxLength: 3 },
    ),
  })
  .map(({ files, ...rest }) => {
    const { delimiter, header } = rest;
    const texts = files.map(({ mark, head, pieces, end }) => {
      const body = pieces.map((piece) => (piece === "d" ? delimiter.slice(-1) : piece)).join("");
      return mark + ((header === "no_header" ? "" : head) + body).replaceAll("D", delimiter) + end;
    });
    return { ...rest, texts };
  });

/** The rows that MLTable's rules give, or undefined for what has to be refused. */
function expected({ texts, header, emptyAsString, ...dialect }: Case): Row[] | undefined {
  const files: (string | null)[][][] = [];
  for (const content of texts) {
    const records = splitRecords(content, dialect);
    if (records === undefined) return undefined;
    if (records.length > 0) files.push(records);
  }
  const first = files[0]?.[0] ?? [];
  const namesOf = (records: (string | null)[][]): string[] => {
    if (header === "no_header") return first.map((_, at) => `Column${at + 1}`);
    return distinct(header === "all_files_different_headers" ? (records[0] ?? []) : first);
  };
  const all = [...new Set(files.flatMap(namesOf))];
  const rows: Row[] = [];
  for (const [index, records] of files.entries()) {
    const names = namesOf(records);
    const own = distinct(records[0] ?? []);
    if (header === "all_files_same_headers" && JSON.stringify(own) !== JSON.stringify(names))
      return undefined;
    const skip = header === "no_header" || (header === "from_first_file" && index > 0) ? 0 : 1;
    for (const record of records.slice(skip)) {
      if (record.slice(names.length).some((field) => field)) return undefined;
      const cells = all.map((name): [string, string | null] => {
        const at = names.indexOf(name);
        const field = record[at];
        return [name, field === null && emptyAsString ? "" : (field ?? null)];
      });
      rows.push(Object.fromEntries(cells));
    }
  }
  return rows;
}

function distinct(fields: readonly (string | null)[]): string[] {
  const used = new Set<string>();
  const given = fields.map((field) => (field ?? "").trim());
  return given.map((field, at) => {
    const base = field === "" ? `Column${at + 1}` : field;
    let name = base;
    for (let n = 1; used.has(name) || (name !== field && given.includes(name)); n += 1) name = `${base}_${n}`;
    used.add(name);
    return name;
  });
}

async function read(one: Case): Promise<Row[] | undefined> {
  const step = {
    ...text,
    delimiter: one.delimiter,
    support_multi_line: one.multiLine,
    header: one.header,
    empty_as_string: one.emptyAsString,
  };
  const named = Object.fromEntries(one.texts.map((content, at) => [`f${at}.csv`, content]));
  try {
    return await h.rows([step], await h.files(named));
  } catch (error) {
    if (isAmlError(error) && ["parse_failed", "schema_mismatch"].includes(error.code)) return undefined;
    throw error;
  }
}

test("hostile files give the rows of a plain reader, or are refused where it refuses", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async (one) => {
      expect(await read(one)).toEqual(expected(one));
    }),
    randomRuns(60),
  );
});

const plain = {
  delimiter: ",",
  multiLine: false,
  header: "all_files_same_headers",
  emptyAsString: false,
};
test.each<[string, Partial<Case> & Pick<Case, "texts">]>([
  ["a delimiter behind the last field", { texts: ["a,b,c\n1,2,3,\n,,,\n"] }],
  ["the same in a file that is rewritten", { texts: ['a,b,c\r\n1,2,3,\n"x"" ",,,\n'] }],
  ["a field too many that holds a NUL", { texts: ["a,b\n1,2,\0\n"] }],
  ["one column with a delimiter in a row", { texts: ["a\n,\n\nx\n"] }],
  ["short rows with empty_as_string", { emptyAsString: true, texts: ["a,b,c\n1\n"] }],
])("%s", async (_, one) => {
  const whole = { ...plain, ...one };
  expect(await read(whole)).toEqual(expected(whole));
});

test("quoted line breaks: the same as csv-parse, which knows neither our padding nor our line ends", async () => {
  const field = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "\r\n", " ", "é"), maxLength: 6 });
  const records = fc.array(fc.array(field, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(records, fc.constantFrom("\n", "\r\n"), async (rows, end) => {
      const quote = (value: string): string => `"${value.replaceAll('"', '""')}"`;
      const content = ["a,b,c", ...rows.map((row) => row.map(quote).join(","))].join(end);
      const theirs = parse<Record<string, string>>(content, { columns: true, record_delimiter: end });
      const one = { ...plain, multiLine: true, emptyAsString: true, texts: [content] };
      expect(await read(one)).toEqual(theirs);
    }),
    randomRuns(30),
  );
});

test("a field of 1.5 MB is whole, one of 3 or 40 MB is an error that names its line", async () => {
  const long = "é".repeat(750_000);
  expect(await h.rows([text], await h.files({ "a.csv": `a,b\n1,${long}\n2,z` }))).toEqual([
    { a: "1", b: long },
    { a: "2", b: "z" },
  ]);
  for (const bytes of [3_000_000, 40_000_000]) {
    const files = await h.files({ "a.csv": `a,b\n1,${"x".repeat(bytes)}\n2,z\n` });
    const failure = await failureOf(h.rows([text], files));
    expect(failure).toMatchObject({ code: "parse_failed", context: { uri: files[0]?.uri } });
    expect(String(failure)).toContain("longer than 2 MB");
  }
});

test("2,000 columns", async () => {
  const names = Array.from({ length: 2_000 }, (_, at) => `c${at}`);
  const lines = [names, names.map((_, at) => at), names.map((_, at) => (at % 7 === 0 ? "x" : at))];
  const rows = await h.rows(
    [text],
    await h.files({ "a.csv": lines.map((line) => line.join(",")).join("\n") }),
  );
  expect(rows.map((row) => names.map((name) => row[name]))).toEqual(
    lines.slice(1).map((line) => line.map(String)),
  );
});

test.each(
  sample<[string, boolean]>(
    [
      ["\r\n", true],
      ["\n", true],
      ["\n", false],
    ],
    3,
  ),
)(
  "many rows, some short, some quoted, some blank (%j, multi-line: %s)",
  async (end, multiLine) => {
    const total = size(1_000_000, 300_000);
    const lines = ["id,t,u"];
    const want: (string | null)[][] = [];
    let seed = 1;
    for (let id = 0; id < total; id += 1) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      const draw = seed % 1000;
      const value = multiLine && draw < 25 ? `a${end}${id},"q` : 'a,"b';
      if (draw < 20) lines.push(String(id));
      else if (draw < 30) lines.push(`${id},"${value.replaceAll('"', '""')}",k`);
      else lines.push(`${id},${"v".repeat(draw % 40)},é`);
      if (draw > 995) lines.push("");
      want.push(
        draw < 20
          ? [String(id), null, null]
          : draw < 30
            ? [String(id), value, "k"]
            : [String(id), "v".repeat(draw % 40) || null, "é"],
      );
    }
    const table = await h.open(
      [{ ...text, support_multi_line: multiLine }],
      await h.files({ "a.csv": lines.join(end) }),
    );
    let at = 0;
    for await (const rows of table.batches()) {
      for (const { id, t, u } of rows) {
        const [wantId, wantT, wantU] = want[at] ?? [];
        if (id !== wantId || t !== wantT || u !== wantU) expect([id, t, u]).toEqual(want[at]);
        at += 1;
      }
    }
    expect(at).toBe(want.length);
  },
  60_000,
);

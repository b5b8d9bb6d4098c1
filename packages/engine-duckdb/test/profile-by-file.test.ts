import type { ColumnProfile, FileRef, ProfileByFile, ProfileState, TableProfile } from "@aml/core";
import { parsePlan } from "@aml/core/plan";
import { randomRuns, size } from "@aml/kit/runs";
import { DuckDBInstance } from "@duckdb/node-api";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createHarness, failureOf } from "./harness.ts";

const h = await createHarness();
const csv = { op: "read_delimited" };

async function byFile(
  steps: readonly object[],
  files: readonly FileRef[],
  known?: ProfileState,
): Promise<ProfileByFile> {
  const source = { from: "paths", paths: files.map(({ uri }) => ({ file: uri })) };
  const plan = parsePlan({ version: 1, source, steps });
  const list = async function* (): AsyncIterable<FileRef> {
    yield* files;
  };
  const found = await h.engine().profileByFile?.(plan, list(), { known });
  if (found === undefined) throw new Error("The engine has no profileByFile.");
  return found;
}

async function whole(steps: readonly object[], files: readonly FileRef[]): Promise<TableProfile> {
  await using table = await h.open(steps, files);
  return (await table.profile?.()) as TableProfile;
}

const column = ({ columns }: TableProfile, name: string): ColumnProfile =>
  columns.find((one) => one.name === name) as ColumnProfile;

/** As JSON keeps it. */
const stored = ({ state }: ProfileByFile): ProfileState => JSON.parse(JSON.stringify(state)) as ProfileState;

/** Sums in another order differ in their last digits. */
function rounded(profile: TableProfile): unknown {
  return JSON.parse(
    JSON.stringify(profile, (_, value: unknown) =>
      typeof value === "bigint"
        ? `${value}n`
        : typeof value === "number" && !Number.isInteger(value)
          ? Number(value.toPrecision(9))
          : value,
    ),
  );
}

const A = "n,f,t,d,b\n1,1.5,x,2025-01-01,true\n2,,y,2025-01-02,false\n2,2.5,,2025-01-02,true\n";
const B = "n,f,t,d,b\n9,-7,x,2026-05-05,true\n-3,nan,ü,2024-02-29,\n";

describe("a profile by file", () => {
  test("of few values is the profile of all rows", async () => {
    const files = await h.files({ "a.csv": A, "b.csv": B });
    const { profile, read } = await byFile([csv], files);
    expect(rounded(profile)).toEqual(rounded(await whole([csv], files)));
    expect(read).toEqual(files.map(({ uri }) => uri));
  });

  test("generated: of few values it is the profile of all rows", async () => {
    const value = fc.option(
      fc.oneof(fc.integer({ min: -20, max: 20 }), fc.double({ min: -5, max: 5 }), fc.constant(0)),
      {
        nil: "",
      },
    );
    const text = fc.constantFrom("", "a", "bb", "ccc", "é", "-");
    const rows = fc.array(fc.tuple(value, text), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(fc.array(rows, { minLength: 1, maxLength: 4 }), async (tables) => {
        const contents = tables.map((table, at) => {
          const lines = table.map(([number, word]) => `${number},${word},1`);
          return [`${at}.csv`, `v,t,one\n${lines.join("\n")}\n`] as const;
        });
        const files = await h.files(Object.fromEntries(contents));
        expect(rounded((await byFile([csv], files)).profile)).toEqual(rounded(await whole([csv], files)));
      }),
      randomRuns(25),
    );
  });

  test("a new file costs only itself; a changed one is read again; one that is gone counts no more", async () => {
    const first = await h.files({ "a.csv": A });
    const before = stored(await byFile([csv], first));
    const [b] = await h.files({ "b.csv": B });
    const both = [...first, b as FileRef];
    const after = await byFile([csv], both, before);
    expect(after.read).toEqual([b?.uri]);
    expect(rounded(after.profile)).toEqual(rounded(await whole([csv], both)));
    const again = await byFile([csv], both, stored(after));
    expect(again.read).toEqual([]);
    expect(rounded(again.profile)).toEqual(rounded(after.profile));
    const [a] = first;
    const other = { ...(b as FileRef), stat: { ...(b as FileRef).stat, etag: '"other"' } };
    const changed = { ...other, stat: { ...other.stat, etag: b?.stat.etag } };
    const state = stored(after);
    const stale = {
      ...state,
      files: state.files.map((file) => (file.uri === b?.uri ? { ...file, etag: "old" } : file)),
    };
    expect((await byFile([csv], [a as FileRef, changed], stale)).read).toEqual([b?.uri]);
    expect(rounded((await byFile([csv], [b as FileRef], stored(after))).profile)).toEqual(
      rounded(await whole([csv], [b as FileRef])),
    );
  });

  test("files keep their places, whichever of them are read", async () => {
    const files = await h.files(
      Object.fromEntries(
        ["a", "b", "c", "d", "e"].map((name, at) => [`${name}.csv`, `n\n${"7\n".repeat(at + 1)}`]),
      ),
    );
    const uris = files.map(({ uri }) => uri);
    const before = stored(await byFile([csv], [files[1], files[3]] as FileRef[]));
    const { read, state, profile } = await byFile([csv], files, before);
    expect(read).toEqual([uris[0], uris[2], uris[4]]);
    expect(state.files.map(({ uri, rows }) => [uri, rows])).toEqual(uris.map((uri, at) => [uri, at + 1]));
    expect(profile.rows).toBe(15);
    // One that cannot be read is named, and the profile is none.
    const bad = await h.files({ "a.csv": "n\n1\n", "b.csv": "n\n1,2,3\n", "c.csv": "n\n3\n" });
    expect(await failureOf(byFile([csv], bad))).toMatchObject({
      code: "parse_failed",
      context: { uri: bad[1]?.uri },
    });
  });

  test("other steps, or other types, read all files", async () => {
    const files = await h.files({ "a.csv": A, "b.csv": B });
    const before = stored(await byFile([csv], files));
    expect((await byFile([csv, { op: "keep_columns", columns: "n" }], files, before)).read).toHaveLength(2);
    const text = { op: "convert_column_types", columns: [{ columns: ["n"], column_type: "string" }] };
    expect((await byFile([csv, text], files, before)).read).toHaveLength(2);
  });

  test("of many values: counts, extremes and moments exact, the rest near", async () => {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const contents: Record<string, Buffer> = {};
    const counts = [size(70_000, 55_000), 1_000, size(120_000, 30_000)];
    const total = counts.reduce((sum, rows) => sum + rows);
    for (const [at, rows] of counts.entries()) {
      const path = join(h.folder, `many-${at}.parquet`);
      await connection.run(
        `COPY (SELECT (hash(range, ${at}) % 1000003)::BIGINT AS n, sqrt((hash(range, ${at} + 9) % 1000003)) + ${at} * 500 AS f,
         md5(range::VARCHAR || '${at}') AS t, CASE WHEN range % 3 = 0 THEN 'often' ELSE md5(range::VARCHAR) END AS mixed,
         TIMESTAMP '2020-01-01' + to_seconds((hash(range, ${at}) % 100000000)::BIGINT) AS at, NULL::INTEGER AS nothing
         FROM range(${rows})) TO '${path}' (FORMAT parquet)`,
      );
      contents[`${at}.parquet`] = await readFile(path);
    }
    connection.disconnectSync();
    instance.closeSync();
    const files = await h.files(contents);
    const steps = [{ op: "read_parquet" }];
    const { profile } = await byFile(steps, files);
    const all = await whole(steps, files);
    expect(profile.rows).toBe(total);
    for (const name of ["n", "f", "t", "at", "nothing"]) {
      const [ours, theirs] = [column(profile, name), column(all, name)];
      for (const key of ["missing", "empty", "notANumber", "infinite", "min", "max"] as const)
        expect(ours[key], `${name}.${key}`).toEqual(theirs[key]);
      if (theirs.distribution === undefined) continue;
      for (const key of ["mean", "std", "variance", "skew", "kurtosis"] as const) {
        const [one, other] = [ours.distribution?.[key], theirs.distribution[key]];
        if (other === null || other === undefined) expect(one ?? null).toBeNull();
        else expect(one, `${name}.${key}`).toBeCloseTo(other, 6 - Math.ceil(Math.log10(Math.abs(other) + 1)));
      }
      expect(ours.distribution?.histogram.reduce((sum, count) => sum + count, 0)).toBeGreaterThan(
        total - 100,
      );
    }
    expect(column(profile, "n").distinct / total).toBeGreaterThan(0.8);
    expect(column(profile, "t").distinct / total).toBeCloseTo(1, 0.6);
    const median = column(profile, "n").distribution?.quantiles.find(({ share }) => share === 0.5)?.value;
    expect(Number(median) / 500_000).toBeCloseTo(1, 1);
    expect(column(profile, "mixed").top[0]).toEqual({
      value: "often",
      count: counts.reduce((sum, rows) => sum + Math.ceil(rows / 3), 0),
    });
    expect(column(profile, "n").sampled).toBe(true);
  });

  test("what looks beyond a row is refused, and so is a damaged state", async () => {
    const files = await h.files({ "a.csv": A, "b.csv": B });
    for (const step of [
      { op: "take", count: 3 },
      { op: "take_random_sample", probability: 0.5, seed: 1 },
    ]) {
      expect(await failureOf(byFile([csv, step], files))).toMatchObject({ code: "unsupported" });
    }
    const header = { ...csv, header: "from_first_file" };
    expect(await failureOf(byFile([header], files))).toMatchObject({ code: "unsupported" });
    const state = stored(await byFile([csv], files));
    const [one, ...rest] = state.files;
    const broken = { ...state, files: [{ ...one, columns: [{}] } as never, ...rest] };
    expect(await failureOf(byFile([csv], files, broken))).toMatchObject({ code: "config_invalid" });
    const hostile = JSON.parse(
      JSON.stringify(state).replaceAll('"x"', JSON.stringify("'); DROP TABLE t; --")),
    ) as ProfileState;
    const { profile } = await byFile([csv], files, hostile);
    expect(column(profile, "t").top.map(({ value }) => value)).toContain("'); DROP TABLE t; --");
  });
});

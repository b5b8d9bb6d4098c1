import type { TabularDataset, TimeFilterOptions } from "@aml/core";
import { randomRuns } from "@aml/kit/runs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { localWorkspace } from "./local-workspace.ts";

const { workspace, write } = await localWorkspace();

async function idsOf(dataset: TabularDataset): Promise<number[]> {
  const ids: number[] = [];
  for await (const row of dataset.rows()) ids.push(Number(row["id"]));
  return ids;
}

const csv = (rows: readonly string[]): string => `id,at\n${rows.join("\n")}\n`;
await write({
  "plain.csv": csv([
    "1,2025-05-29T23:59:59Z",
    "2,2025-05-30T00:00:00Z",
    "3,2025-05-30T00:00:00.250Z",
    "4,2025-05-31T12:00:00Z",
    "5,",
  ]),
  "monthly/2025/04/a.csv": csv(["1,2025-04-01T00:00:00Z", "2,2025-04-30T23:59:59Z"]),
  "monthly/2025/05/a.csv": csv(["3,2025-05-01T00:00:00Z", "4,2025-05-31T10:00:00Z"]),
  "monthly/2025/06/a.csv": csv(["5,2025-06-01T00:00:00Z", "6,2025-06-15T00:00:00Z"]),
});
const plain = workspace.tabular.fromDelimitedFiles("plain.csv").withTimestampColumns({ timestamp: "at" });
const monthly = workspace.tabular
  .fromDelimitedFiles("monthly/**/*.csv")
  .extractColumnsFromPartitionFormat("/monthly/{month:yyyy/MM}/")
  .withTimestampColumns({ timestamp: "at", partitionTimestamp: "month" });

describe("the bounds", () => {
  test.each<[string, TabularDataset, readonly number[]]>([
    ["a start is kept", plain.timeAfter("2025-05-30"), [2, 3, 4]],
    ["or not", plain.timeAfter("2025-05-30", { includeBoundary: false }), [3, 4]],
    ["an end is kept", plain.timeBefore("2025-05-30T00:00:00Z"), [1, 2]],
    ["or not", plain.timeBefore("2025-05-30T00:00:00Z", { includeBoundary: false }), [1]],
    ["a start is rounded down", plain.timeAfter("2025-05-30T00:00:00.9"), [2, 3, 4]],
    ["an end up to a half, down", plain.timeBefore("2025-05-30T00:00:00.5"), [1, 2]],
    ["and beyond, up", plain.timeBefore("2025-05-30T00:00:00.5000001"), [1, 2, 3]],
    ["a Date, up", plain.timeBefore(new Date("2025-05-30T00:00:00.501Z")), [1, 2, 3]],
    ["an offset counts", plain.timeAfter("2025-05-30T02:00:01+02:00"), [4]],
    ["no offset is UTC", plain.timeBefore("2025-05-30 00:00"), [1, 2]],
    ["both ends", plain.timeBetween("2025-05-30", "2025-05-31"), [2, 3]],
    ["chained", plain.timeAfter("2025-05-30").timeBefore("2025-05-31"), [2, 3]],
    ["the wrong way round", plain.timeBetween("2025-05-31", "2025-05-30"), []],
    [
      "recent",
      plain.timeRecent({ days: 1, hours: 12 }, { now: new Date("2025-05-31T12:00:00.7Z") }),
      [2, 3, 4],
    ],
  ])("%s", async (_, dataset, ids) => {
    expect(await idsOf(dataset)).toEqual(ids);
  });

  test.each(["", "yesterday", "2025-02-30", "2025-01-01T24:00", "2025-01-01T00:00+24:00", "0000-01-01"])(
    "%j is refused",
    (bound) => {
      expect(() => plain.timeAfter(bound)).toThrow(
        expect.objectContaining({ code: "plan_invalid" }) as Error,
      );
    },
  );

  test("what is no time, and what is no span, is refused", () => {
    const refused = expect.objectContaining({ code: "plan_invalid" }) as Error;
    expect(() => plain.timeAfter(new Date(Number.NaN))).toThrow(refused);
    expect(() => plain.timeBefore("9999-12-31T23:59:59.9")).toThrow(refused);
    expect(() => plain.timeRecent({ days: -1 })).toThrow(refused);
    expect(() => plain.timeRecent({ fortnights: 1 } as never)).toThrow(refused);
  });

  test("are those of plain TypeScript, for any instant and offset", async () => {
    const instants = fc.array(
      fc.date({ min: new Date("1000-01-01"), max: new Date("3000-01-01"), noInvalidDate: true }),
      {
        minLength: 1,
        maxLength: 20,
      },
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        instants,
        fc.nat(),
        fc.integer({ min: -840, max: 840 }),
        fc.integer({ min: -1500, max: 1500 }),
        fc.boolean(),
        async (times, pick, offset, shift, includeBoundary) => {
          const name = `random/${(run += 1)}.csv`;
          await write({ [name]: csv(times.map((time, id) => `${id},${time.toISOString()}`)) });
          const bound = new Date((times[pick % times.length] as Date).getTime() + shift);
          const text = withOffset(bound, offset);
          const dataset = workspace.tabular
            .fromDelimitedFiles(name)
            .withTimestampColumns({ timestamp: "at" });
          const down = Math.floor(bound.getTime() / 1000) * 1000;
          const nearest = down + (bound.getTime() - down > 500 ? 1000 : 0);
          const wanted = (keeps: (time: number) => boolean): number[] =>
            times.flatMap((time, id) => (keeps(time.getTime()) ? [id] : []));
          expect(await idsOf(dataset.timeAfter(text, { includeBoundary }))).toEqual(
            wanted((time) => time > down || (includeBoundary && time === down)),
          );
          expect(await idsOf(dataset.timeBefore(bound, { includeBoundary }))).toEqual(
            wanted((time) => time < nearest || (includeBoundary && time === nearest)),
          );
        },
      ),
      randomRuns(40),
    );
  });
});

describe("the partition timestamp", () => {
  test.each<[string, TimeFilterOptions, readonly number[]]>([
    ["loses no row", {}, [4, 5, 6]],
    ["loses those of May when taken literally, as in v1", { partitions: "literal" }, [5, 6]],
    ["is ignored", { partitions: "ignore" }, [4, 5, 6]],
  ])("%s", async (_, options, ids) => {
    expect(await idsOf(monthly.timeAfter("2025-05-30", options))).toEqual(ids);
  });

  test("leaves files unread", async () => {
    await write({
      "broken/2025/03/a.csv": csv(["1,2025-03-01,2,3"]),
      "broken/2025/04/a.csv": csv(["2,2025-04-01"]),
    });
    const dataset = workspace.tabular
      .fromDelimitedFiles("broken/**/*.csv")
      .extractColumnsFromPartitionFormat("/broken/{month:yyyy/MM}/")
      .withTimestampColumns({ timestamp: "at", partitionTimestamp: "month" });
    expect(await idsOf(dataset.timeAfter("2025-04-01"))).toEqual([2]);
    await expect(idsOf(dataset.timeAfter("2025-04-01", { partitions: "ignore" }))).rejects.toMatchObject({
      code: "parse_failed",
    });
  });

  test("leaves a table without rows, with its columns", async () => {
    const none = monthly.timeAfter("2031-01-01");
    expect(await idsOf(none)).toEqual([]);
    expect((await none.schema()).columns.map(({ name }) => name)).toEqual(["month", "id", "at"]);
  });

  test("changes no sample that was taken before", async () => {
    expect(await idsOf(monthly.take(4).timeAfter("2025-05-30"))).toEqual([4]);
    expect(await idsOf(monthly.skip(3).timeAfter("2025-05-30"))).toEqual([4, 5, 6]);
    const half = monthly.randomSplit(0.5, 3)[0];
    const all = await idsOf(half);
    expect(await idsOf(half.timeAfter("2025-05-30"))).toEqual(all.filter((id) => id >= 4));
    expect(await idsOf(monthly.take(5).timeAfter("2025-05-30", { partitions: "literal" }))).toEqual([5]);
  });

  test("keeps the first file where that alone has the names", async () => {
    await write({
      "first/2025/01/a.csv": csv(["1,2025-01-05"]),
      "first/2025/02/b.csv": "2,2025-02-05\n3,2025-02-06\n",
    });
    const dataset = workspace.tabular
      .fromDelimitedFiles("first/**/*.csv", { header: "from_first_file" })
      .extractColumnsFromPartitionFormat("/first/{month:yyyy/MM}/")
      .withTimestampColumns({ timestamp: "at", partitionTimestamp: "month" });
    expect(await idsOf(dataset.timeAfter("2025-02-01"))).toEqual([2, 3]);
  });

  test("loses no row, whatever the format and the bounds", async () => {
    const formats: readonly (readonly [format: string, length: number])[] = [
      ["yyyy", 4],
      ["yyyy/MM", 7],
      ["yyyy/MM/dd", 10],
      ["yyyy/MM/dd/HH", 13],
      ["yyyy/MM/dd/HH/mm", 16],
    ];
    const near = fc.date({ min: new Date("2024-12-30"), max: new Date("2025-01-03"), noInvalidDate: true });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...formats),
        fc.array(near, { minLength: 1, maxLength: 8 }),
        near,
        near,
        fc.boolean(),
        async ([format, length], times, from, to, includeBoundary) => {
          const root = `any${(run += 1)}`;
          const files: Record<string, string> = {};
          for (const [id, time] of times.entries()) {
            const below = time.toISOString().slice(0, length).replaceAll(/[-T:]/g, "/");
            files[`${root}/${below}/${id}.csv`] = csv([`${id},${time.toISOString()}`]);
          }
          await write(files);
          const dataset = workspace.tabular
            .fromDelimitedFiles(`${root}/**/*.csv`)
            .extractColumnsFromPartitionFormat(`/${root}/{part:${format}}/`)
            .withTimestampColumns({ timestamp: "at", partitionTimestamp: "part" });
          const rows = (partitions: "overlap" | "ignore"): Promise<number[]> =>
            idsOf(dataset.timeBetween(from, to, { includeBoundary, partitions }));
          expect(await rows("overlap")).toEqual(await rows("ignore"));
        },
      ),
      randomRuns(40),
    );
  });
});

describe("the columns", () => {
  const refused = expect.objectContaining({ code: "plan_invalid" }) as Error;

  test("must be named, and differ", () => {
    const bare = workspace.tabular.fromDelimitedFiles("plain.csv");
    expect(() => bare.timeAfter("2025-01-01")).toThrow(refused);
    expect(() => bare.withTimestampColumns({ partitionTimestamp: "at" })).toThrow(refused);
    expect(() => bare.withTimestampColumns({ timestamp: "at", partitionTimestamp: "at" })).toThrow(refused);
    expect(plain.withTimestampColumns().plan).toEqual(bare.plan);
    expect(monthly.withTimestampColumns({ timestamp: "at" }).plan.traits).toEqual({ timestamp_column: "at" });
  });

  test("are forgotten when they go", () => {
    const both = { timestamp_column: "at", partition_timestamp_column: "month" };
    expect(monthly.plan.traits).toEqual(both);
    expect(monthly.dropColumns("at").plan.traits).toBeUndefined();
    expect(monthly.dropColumns(["month"]).plan.traits).toEqual({ timestamp_column: "at" });
    expect(monthly.keepColumns(["at", "id"]).plan.traits).toEqual({ timestamp_column: "at" });
    expect(monthly.keepColumns(["id", "month"]).plan.traits).toBeUndefined();
    expect(monthly.keepColumns(["at", "month"]).plan.traits).toEqual(both);
    expect(monthly.dropColumns("id").take(1).plan.traits).toEqual(both);
  });

  test("of another type are an error, not an empty table", async () => {
    await write({ "text.csv": csv(["1,noon", "2,night"]) });
    const text = workspace.tabular.fromDelimitedFiles("text.csv").withTimestampColumns({ timestamp: "at" });
    await expect(idsOf(text.timeAfter("2025-01-01"))).rejects.toMatchObject({
      code: "schema_mismatch",
      context: { column: "at", type: "string" },
    });
    const converted = text
      .dropColumns("x")
      .convertColumnTypes({ at: { datetime: { formats: ["%Y"] } } })
      .timeAfter("2025-01-01");
    expect(await idsOf(converted)).toEqual([]);
  });

  test("stay with a registered version", async () => {
    await monthly.register("monthly");
    const again = (await workspace.datasets.get("monthly")) as TabularDataset;
    expect(again.plan.traits).toEqual(monthly.plan.traits);
    expect(await idsOf(again.timeAfter("2025-05-30"))).toEqual([4, 5, 6]);
  });
});

/** As ISO 8601 has an instant at an offset, in minutes. */
function withOffset(date: Date, offset: number): string {
  const digits = (value: number): string => String(Math.floor(value)).padStart(2, "0");
  const clock = new Date(date.getTime() + offset * 60_000).toISOString().slice(0, -1);
  const size = Math.abs(offset);
  return `${clock}${offset < 0 ? "-" : "+"}${digits(size / 60)}:${digits(size % 60)}`;
}

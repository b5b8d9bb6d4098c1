import { describe, expect, test } from "vitest";
import { createHarness, failureOf } from "./harness.ts";
import { CASES, OPTIONS } from "./reference-options.ts";

const h = await createHarness();

describe.each(Object.keys(OPTIONS))("%s", (step) => {
  const cases = CASES.filter((one) => one.step === step);

  test.each(cases.map((one) => [`${one.option}: ${one.value}`, one] as const))("%s", async (_, one) => {
    const all = await h.files(one.files);
    const steps = typeof one.steps === "function" ? one.steps(all) : one.steps;
    const wanted = typeof one.gives === "function" ? one.gives(all) : one.gives;
    // Of a Delta table the log alone is listed.
    const files = step === "read_delta_lake" ? all.filter(({ uri }) => uri.includes("/_delta_log/")) : all;
    if ("code" in wanted) return expect(await failureOf(h.rows(steps, files))).toMatchObject(wanted);
    const rows = await h.rows(steps, files);
    expect(rows).toEqual(wanted.rows);
    const [first] = rows;
    if (first !== undefined) expect(Object.keys(first)).toEqual(Object.keys(wanted.rows[0] ?? {}));
  });

  test("every option and every value of the reference has a case", () => {
    const has = new Set(cases.map(({ option, value }) => `${option}: ${value}`));
    const wanted = OPTIONS[step]?.flatMap(([option, ...values]) =>
      values.map((value) => `${option}: ${value}`),
    );
    expect(wanted?.filter((name) => !has.has(name))).toEqual([]);
  });
});

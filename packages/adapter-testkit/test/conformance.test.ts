import { describe, expect, test } from "vitest";
import {
  canary,
  assertNoLeak,
  formatMatrix,
  mutants,
  storageConformance,
  type Gap,
  type Need,
  type StorageConformanceOptions,
  type SupportMatrix,
} from "@aml/adapter-testkit";
import { Secret } from "@aml/core";
import { memoryStorage } from "@aml/core/memory";

/** A runner that notes what it was told, and runs it afterwards. */
async function run(
  options: Partial<StorageConformanceOptions>,
): Promise<{ matrix: SupportMatrix; failures: string[]; declared: string[] }> {
  const tests: [name: string, body: () => Promise<void>][] = [];
  const runner = {
    describe: (_name: string, body: () => void) => body(),
    test: (name: string, body: () => Promise<void>) => tests.push([name, body]),
  };
  const lacks: Need[] = ["directories", "copy", "resume", "secrets"];
  const matrix = storageConformance({
    name: "memory",
    lacks,
    open: () => ({ storage: memoryStorage({ pageSize: 10 }) }),
    ...options,
    runner,
  });
  const failures: string[] = [];
  for (const [name, body] of tests) {
    await body().catch((error: unknown) => failures.push(`${name}: ${String(error)}`));
  }
  return { matrix, failures, declared: tests.map(([name]) => name) };
}

const gap: Gap = { status: "upstream", reason: "The store rounds.", since: "2026-11-20" };

describe("storageConformance", () => {
  test("leaves out what the store does not claim, and says so", async () => {
    const { matrix, failures, declared } = await run({});
    expect(failures).toEqual([]);
    expect(declared.some((name) => name.startsWith("stat/directory"))).toBe(false);
    expect(matrix.results.find(({ id }) => id === "stat/directory")).toMatchObject({
      status: "not_applicable",
      reason: "no directories",
    });
    expect(matrix.results.find(({ id }) => id === "read/whole")).toMatchObject({ status: "passed" });
  });

  test("a wrong claim fails, whichever way it is wrong", async () => {
    const more = await run({ lacks: ["copy", "resume", "secrets"] });
    expect(more.failures.join("\n")).toContain("Whether the store has directories is false, not true.");
    const fewer = await run({ lacks: ["directories", "copy", "resume", "secrets", "delete"] });
    expect(fewer.failures.join("\n")).toContain("Whether the store has delete is true, not false.");
  });

  test("a gap stands for a failure, and fails once the case passes", async () => {
    const id = "delete/recursive-file";
    const broken = () => ({ storage: mutants[id]?.(memoryStorage({ pageSize: 10 }), []) ?? memoryStorage() });
    expect((await run({ open: broken })).failures).toEqual([expect.stringContaining(id)]);
    const { matrix, failures, declared } = await run({ open: broken, gaps: { [id]: gap } });
    expect(failures).toEqual([]);
    expect(declared).toContainEqual(expect.stringContaining("[gap: upstream since 2026-11-20]"));
    const reason = "upstream since 2026-11-20: The store rounds.";
    expect(matrix.results.find((result) => result.id === id)).toMatchObject({ status: "gap", reason });
    const paid = await run({ gaps: { [id]: gap } });
    expect(paid.failures).toEqual([expect.stringContaining(`${id} passes now: remove its gap.`)]);
  });

  test("a gap for no case is a mistake", async () => {
    await expect(run({ gaps: { "read/typo": gap } })).rejects.toThrow("read/typo");
    await expect(run({ gaps: { "stat/directory": gap } })).rejects.toThrow(TypeError);
  });

  test("closes every store, also after a failure", async () => {
    let open = 0;
    await run({
      open: () => {
        open += 1;
        return {
          storage: mutants["stat/file"]?.(memoryStorage(), []) ?? memoryStorage(),
          close: async () => void (open -= 1),
        };
      },
    });
    expect(open).toBe(0);
  });

  test("matrices print side by side", () => {
    const one: SupportMatrix = {
      name: "one",
      results: [
        { id: "b/x", title: "X | Y", status: "passed" },
        { id: "a/y", title: "Z", status: "gap", reason: "later" },
      ],
    };
    const two: SupportMatrix = {
      name: "two",
      results: [{ id: "b/x", title: "X | Y", status: "not_applicable" }],
    };
    expect(formatMatrix([one, two]).split("\n")).toEqual([
      "| case | rule | one | two |",
      "| --- | --- | --- | --- |",
      "| a/y | Z | gap | not run |",
      "| b/x | X \\| Y | yes | – |",
      "",
      "- one, a/y: later",
      "",
    ]);
  });
});

describe("canary", () => {
  const { secret, assertNoLeak: check } = canary();
  const hidden = Object.defineProperty({}, "request", {
    value: { headers: new Headers({ authorization: `Bearer ${secret}` }) },
  });
  const circular: Record<string, unknown> = { list: [new Map([["key", secret]])] };
  circular["self"] = circular;

  test.each([
    ["a text", `x${secret}y`],
    ["a URL", new URL(`https://h/?sig=${encodeURIComponent(secret)}`)],
    ["base64 of a longer text", btoa(`user:${secret}!`)],
    ["base64 at another offset", btoa(`me:${secret}`)],
    ["base64url", btoa(`user:${secret}!`).replaceAll("+", "-").replaceAll("/", "_")],
    ["JSON", JSON.stringify({ a: secret })],
    ["a cause of a cause", new Error("x", { cause: new Error("y", { cause: new Error(secret) }) })],
    ["a hidden property", hidden],
    ["a circular structure", circular],
    ["bytes", new TextEncoder().encode(secret)],
    [
      "a getter",
      Object.create({
        get token() {
          return secret;
        },
      }),
    ],
    ["a key", { [secret]: 1 }],
    ["a stack", Object.assign(new Error("x"), { stack: `at ${secret}` })],
    ["toJSON", { toJSON: () => secret }],
  ])("finds the secret in %s, and does not repeat it", (_what, value) => {
    let message = "";
    try {
      check(value);
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain("A secret shows in value");
    expect(message).not.toContain(secret);
  });

  test("does not find what is not there", () => {
    for (const value of [
      null,
      undefined,
      1,
      "text",
      new Error("x"),
      new Secret(secret),
      memoryStorage(),
      [new Set([1])],
      canary().secret,
    ])
      check(value);
    expect(() => assertNoLeak(secret, { a: new Secret("other") })).not.toThrow();
  });

  test("makes another secret each time", () => expect(canary().secret).not.toBe(secret));
});

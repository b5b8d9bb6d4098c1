import { expect, test } from "vitest";
import { contractTables } from "../src/contract-tables.ts";
import type { Outcome } from "../src/run-job.ts";
import { noCounts, type ContractCase } from "../src/runner.ts";
import type { Runtime } from "../src/runtimes.ts";

const runtime = (name: "node" | "bun" | "deno", title: string): Runtime => ({
  name,
  title,
  command: name,
  version: "1.0.0",
  args: [],
});
const runtimes = [runtime("node", "Node"), runtime("bun", "Bun")];

function outcome(of: Runtime, contracts: ContractCase[]): Outcome {
  const suite = { folder: "packages/x", name: "@aml/x", kind: "conformance" as const };
  const counts = { ...noCounts(), passed: contracts.length, contracts };
  return { job: { suite, runtime: of, args: [] }, counts, output: "", seconds: 1 };
}

const one = (name: string, verb: string, result: ContractCase["result"] = "passed"): ContractCase => ({
  name,
  contract: "storage",
  verb,
  result,
});

test("a row is a store with a credential, a cell what was measured, and nothing is filled in", () => {
  const [node, bun] = runtimes as [Runtime, Runtime];
  const page = contractTables(runtimes, [
    outcome(node, [one("b", "read"), one("b", "read"), one("b", "list", "gap"), one("a", "read")]),
    outcome(bun, [one("b", "read"), one("b", "read", "failed"), one("b", "list", "gap")]),
  ]);
  expect(page.split("\n").filter((line) => line.startsWith("|"))).toEqual([
    "| store and credential | read | list | Node | Bun |",
    "| --- | --- | --- | --- | --- |",
    "| a | 1 | – | 1 | not run |",
    "| b | Node: 2, Bun: 1, 1 failed | 0, +1 gap | 2, +1 gap | 1, +1 gap, 1 failed |",
  ]);
});

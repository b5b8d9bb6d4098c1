import { stat } from "node:fs/promises";
import { afterAll, afterEach } from "vitest";
import { createWorkbench, type Workbench } from "./workbench.ts";

export { allRows, failureOf, listed, textOf } from "./workbench.ts";
export { stat };

export type Harness = Workbench;

/** A workbench that is cleared after each test. */
export async function createHarness(): Promise<Harness> {
  const bench = await createWorkbench();
  afterEach(() => bench.reset());
  afterAll(() => bench.close());
  return bench;
}

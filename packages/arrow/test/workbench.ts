import type { DuckDBEngineOptions } from "@aml/engine-duckdb";
import { afterAll } from "vitest";
import { openWorkbench, type Workbench } from "./open-workbench.ts";

/** A workbench that is closed after the file's tests. */
export async function createWorkbench(options?: DuckDBEngineOptions): Promise<Workbench> {
  const bench = await openWorkbench(options);
  afterAll(() => bench.close());
  return bench;
}

export { createDuckDBEngine, type DuckDBEngineOptions } from "./create-engine.ts";
export { compilePlan, type CompiledPlan } from "./compile-plan.ts";
export type { CompileOptions } from "./relation.ts";
export type * from "./inspected.ts";
export type { PlanColumn } from "./plan-column.ts";

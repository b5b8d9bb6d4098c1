// What reads, checks and prints recipes: plans, their steps, filters and partition formats.
export { filterColumns, parseFilter } from "./filter.ts";
export { formatFilter } from "./format-filter.ts";
export * from "./parse-plan.ts";
export { parsePartitionFormat } from "./partition-format.ts";
export type { PartitionColumn, PartitionFormat, PartitionPart } from "./partition-format.ts";
export { parseStep, STEP_OPS } from "./step-schema.ts";
export type { PlanIssue, Pointer, Report } from "./value-check.ts";

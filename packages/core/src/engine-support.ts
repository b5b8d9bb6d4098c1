// What every engine shares: its contract, and the columns that come from the paths of files.
export type * from "./engine.ts";
export * from "./match-partition-format.ts";

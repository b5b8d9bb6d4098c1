// What adapters of databases share: everything of the contract but the driver.
export { bindParameters } from "./bind-parameters.ts";
export type { BoundStatement, SqlDialect } from "./bind-parameters.ts";
export { bindKeyBounds, bindKeyRange, bindPart, type PartDialect } from "./bind-part.ts";
export * from "./create-sql-source.ts";
export * from "./database-network.ts";
export { checkPartition, integerKey, keyRanges, type KeyRange } from "./key-ranges.ts";
export * from "./row-builder.ts";
export type * from "./sql-part.ts";
export type * from "./sql-source.ts";
export { supportOf } from "./statement-form.ts";
export * from "./statement-place.ts";

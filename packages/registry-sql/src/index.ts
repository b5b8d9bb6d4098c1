export { openSqliteRegistry } from "./open-sqlite-registry.ts";
export type { SqliteRegistryOptions } from "./open-sqlite-registry.ts";

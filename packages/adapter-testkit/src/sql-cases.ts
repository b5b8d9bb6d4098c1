import { sqlParameterCases } from "./cases/sql-parameters.ts";
import { sqlPartitionCases } from "./cases/sql-partition.ts";
import { sqlQueryCases } from "./cases/sql-query.ts";
import { sqlSafetyCases } from "./cases/sql-safety.ts";
import { sqlStopCases } from "./cases/sql-stop.ts";
import { sqlStreamCases } from "./cases/sql-stream.ts";
import type { SqlCase, SqlType } from "./sql-case.ts";
import { sqlTypeCases } from "./sql-type-cases.ts";

/** Every rule of the contract of databases that a test can hold an adapter to, for a database with these types. */
export function sqlCases(types: readonly SqlType[]): readonly SqlCase[] {
  return Object.freeze([
    ...sqlQueryCases,
    ...sqlParameterCases,
    ...sqlTypeCases(types),
    ...sqlStreamCases,
    ...sqlStopCases,
    ...sqlSafetyCases,
    ...sqlPartitionCases,
  ]);
}

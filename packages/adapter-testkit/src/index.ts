export { assertNoLeak, canary, type Canary } from "./canary.ts";
export { faultyFetch, type FaultyFetch, type FetchFault } from "./faulty-fetch.ts";
export { formatMatrix } from "./format-matrix.ts";
export { modelSql, modelSqlTypes } from "./model-sql.ts";
export { modelStorage } from "./model-storage.ts";
export { runStorageCase } from "./run-storage-case.ts";
export type {
  SqlCase,
  SqlContext,
  SqlFixture,
  SqlMutate,
  SqlNeed,
  SqlOthers,
  SqlServer,
  SqlStatements,
  SqlType,
  SqlValue,
} from "./sql-case.ts";
export { sqlCases } from "./sql-cases.ts";
export { runSqlCase, sqlConformance, type SqlConformanceOptions } from "./sql-conformance.ts";
export { formatSqlTypes } from "./sql-type-cases.ts";
export type {
  CaseContext,
  CaseResult,
  Fixture,
  Gap,
  Mutate,
  Need,
  Runner,
  StorageCase,
  SupportMatrix,
} from "./storage-case.ts";
export { mutants, storageCases } from "./storage-cases.ts";
export { storageConformance, type StorageConformanceOptions } from "./storage-conformance.ts";
export { withFaults, type StorageFault } from "./with-faults.ts";

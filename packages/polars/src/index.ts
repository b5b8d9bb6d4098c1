export { scanPolars, type PolarsScan, type ScanPolarsOptions } from "./scan-polars.ts";
export { toPolars, type EncodedSource } from "./to-polars.ts";

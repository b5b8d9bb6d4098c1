import { join } from "node:path";
import type { DuckDBConnection } from "@duckdb/node-api";

/** The columns of the taxi files, with the types that DuckDB reads them as. */
export const TAXI_COLUMNS = {
  vendor_id: "BIGINT",
  pickup_at: "TIMESTAMP",
  dropoff_at: "TIMESTAMP",
  passenger_count: "BIGINT",
  trip_distance: "DOUBLE",
  rate_code: "BIGINT",
  store_and_forward: "VARCHAR",
  pickup_zone: "VARCHAR",
  dropoff_zone: "VARCHAR",
  payment_type: "VARCHAR",
  fare_amount: "DOUBLE",
  tip_amount: "DOUBLE",
  tolls_amount: "DOUBLE",
  total_amount: "DOUBLE",
} as const;

const SEED = 20_240_131;

/**
 * Writes a table of taxi rides, the same for the same number of rows and the same version of DuckDB: every value is
 * drawn from a hash of the row's number. Some passenger counts are null.
 */
export async function writeTaxi(
  connection: DuckDBConnection,
  folder: string,
  format: "csv" | "parquet",
  rows: number,
): Promise<string> {
  const path = join(folder, `taxi-${rows}.${format}`);
  const draw = (at: number, below: number): string => `(hash(n, ${SEED + at}) % ${below})::BIGINT`;
  const cents = (at: number, below: number): string => `(${draw(at, below)} / 100)`;
  const options = format === "csv" ? "FORMAT csv, HEADER true" : "FORMAT parquet, COMPRESSION zstd";
  await connection.run(
    `COPY (
      SELECT vendor_id, pickup_at, pickup_at + to_seconds(60 + ${draw(1, 3540)}) AS dropoff_at, passenger_count,
        trip_distance, rate_code, store_and_forward, 'Zone ' || pickup AS pickup_zone,
        'Neighbourhood ' || dropoff AS dropoff_zone,
        ['Credit card', 'Cash', 'No charge', 'Dispute'][1 + ${draw(2, 4)}] AS payment_type,
        fare_amount, tip_amount, tolls_amount, round(fare_amount + tip_amount + tolls_amount, 2) AS total_amount
      FROM (
        SELECT n, 1 + ${draw(3, 2)} AS vendor_id,
          TIMESTAMP '2024-01-01' + to_seconds(${draw(4, 31_622_400)}) AS pickup_at,
          CASE WHEN ${draw(5, 50)} > 0 THEN 1 + ${draw(6, 6)} END AS passenger_count,
          ${cents(7, 3000)} AS trip_distance, 1 + ${draw(8, 6)} AS rate_code,
          CASE WHEN ${draw(9, 100)} = 0 THEN 'Y' ELSE 'N' END AS store_and_forward,
          1 + ${draw(10, 263)} AS pickup, 1 + ${draw(11, 263)} AS dropoff,
          ${cents(12, 8000)} AS fare_amount, ${cents(13, 1500)} AS tip_amount,
          CASE WHEN ${draw(14, 10)} = 0 THEN 6.55 ELSE 0 END::DOUBLE AS tolls_amount
        FROM range(${rows}) numbers(n))
    ) TO '${path}' (${options})`,
  );
  return path;
}

/** The best that DuckDB offers for such a file: nothing to guess, every type told. */
export function readTyped(path: string): string {
  if (path.endsWith(".parquet")) return `read_parquet('${path}')`;
  const columns = Object.entries(TAXI_COLUMNS).map(([name, type]) => `${name}: '${type}'`);
  return `read_csv('${path}', auto_detect = false, header = true, delim = ',', columns = {${columns.join(", ")}})`;
}

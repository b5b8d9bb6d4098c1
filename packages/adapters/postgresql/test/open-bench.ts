import { Secret } from "@aml/core";
import { postgresql } from "@aml/postgresql";
import { createBench, type Bench } from "../../../engine-duckdb/test/push-down.ts";
import { PASSWORD, sharedPostgres } from "./postgres.ts";

/** Tables over queries of the shared server. */
export async function openBench(): Promise<Bench> {
  const { port } = await sharedPostgres();
  return createBench(
    postgresql.open({
      options: postgresql.parseOptions({ server: "localhost", port, database: "shop", tls: "disable" }),
      credential: { kind: "password", username: "ada", password: new Secret(PASSWORD) },
    }),
  );
}

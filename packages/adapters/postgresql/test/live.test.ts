import { postgresql } from "@aml/postgresql";
import { liveQueries } from "../../../adapter-testkit/test/live-queries.ts";

liveQueries(
  "AML_TEST_POSTGRESQL_URL",
  ({ host, port = 5432, database, withoutTls, credential }) =>
    postgresql.open({
      options: postgresql.parseOptions({
        server: host,
        port,
        database,
        ...(withoutTls && { tls: "disable" }),
      }),
      credential,
    }),
  "SELECT 9007199254740993::bigint AS big, :text::text AS who, NULL::text AS nothing",
);

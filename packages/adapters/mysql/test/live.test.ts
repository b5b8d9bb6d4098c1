import { mysql } from "@aml/mysql";
import { liveQueries } from "../../../adapter-testkit/test/live-queries.ts";

liveQueries(
  "AML_TEST_MYSQL_URL",
  ({ host, port = 3306, database, withoutTls, credential }) =>
    mysql.open({
      options: mysql.parseOptions({ server: host, port, database, ...(withoutTls && { tls: "disable" }) }),
      credential,
    }),
  "SELECT CAST(9007199254740993 AS SIGNED) AS big, :text AS who, NULL AS nothing",
);

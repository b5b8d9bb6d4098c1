import { lacksPeaks, memoryOfQuery } from "@aml/kit/memory-of-query";
import { size } from "@aml/kit/runs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { lacking } from "./mariadb.ts";
import { sharedMariaDb } from "./suite.ts";

const ROWS = size(750_000, 200_000);
const skip = lacking ?? lacksPeaks;

test.skipIf(skip)(
  "memory does not follow the rows, at Node's defaults",
  async () => {
    const { port, certificatePem, admin } = await sharedMariaDb();
    await admin(
      "CREATE OR REPLACE USER memory@'%' IDENTIFIED BY 'memory'; GRANT ALL ON trips.* TO memory@'%'",
    );
    const { rows, grownMiB } = await memoryOfQuery({
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      env: { PASSWORD: "memory" },
      open: `
      import { Secret } from "@aml/core/adapter";
      import { mysql } from "@aml/mysql";
      const sql = mysql.open({
        options: { server: "localhost", port: ${port}, database: "trips", ca: ${JSON.stringify(certificatePem)} },
        credential: { kind: "password", username: "memory", password: new Secret(process.env.PASSWORD) },
      });`,
      text: `SELECT CAST(seq AS INT) AS id, seq * 0.37e0 AS fare, CONCAT('zone ', seq % 263) AS zone,
      CAST('2025-01-01' AS DATETIME(6)) + INTERVAL seq * 7 SECOND AS at FROM seq_1_to_${ROWS}`,
    });
    expect(rows).toBe(ROWS);
    // All rows kept would be 75 MiB or more.
    expect(grownMiB).toBeLessThan(size(80, 45));
  },
  60_000,
);

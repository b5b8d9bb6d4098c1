import { lacksPeaks, memoryOfQuery } from "@aml/kit/memory-of-query";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { lacking, startMariaDb } from "./mariadb.ts";

const ROWS = 750_000;
const skip = lacking ?? lacksPeaks;
const server = skip === undefined ? await startMariaDb() : undefined;
afterAll(() => server?.close());

test.skipIf(skip)(
  "memory does not follow the rows, at Node's defaults",
  async () => {
    const { port = 0, certificatePem = "", admin } = server ?? {};
    await admin?.(
      "CREATE DATABASE shop; CREATE USER ada@'%' IDENTIFIED BY 'memory'; GRANT ALL ON shop.* TO ada@'%'",
    );
    const { rows, grownMiB } = await memoryOfQuery({
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      env: { PASSWORD: "memory" },
      open: `
      import { Secret } from "@aml/core/adapter";
      import { mysql } from "@aml/mysql";
      const sql = mysql.open({
        options: { server: "localhost", port: ${port}, database: "shop", ca: ${JSON.stringify(certificatePem)} },
        credential: { kind: "password", username: "ada", password: new Secret(process.env.PASSWORD) },
      });`,
      text: `SELECT CAST(seq AS INT) AS id, seq * 0.37e0 AS fare, CONCAT('zone ', seq % 263) AS zone,
      CAST('2025-01-01' AS DATETIME(6)) + INTERVAL seq * 7 SECOND AS at FROM seq_1_to_${ROWS}`,
    });
    expect(rows).toBe(ROWS);
    expect(grownMiB).toBeLessThan(80);
  },
  60_000,
);

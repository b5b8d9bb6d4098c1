import { fileURLToPath } from "node:url";
import { startAzureSql } from "@aml/emulator";
import { lacksPeaks, memoryOfQuery } from "@aml/kit/memory-of-query";
import { size } from "@aml/kit/runs";
import { afterAll, expect, test } from "vitest";

const ROWS = size(750_000, 200_000);
const PASSWORD = "Passw0rd!";
const server = lacksPeaks === undefined ? await startAzureSql({ databases: ["shop"] }) : undefined;
afterAll(() => server?.close());

test.skipIf(lacksPeaks)(
  "memory does not follow the rows, at Node's defaults",
  async () => {
    const { port, certificatePem = "" } = server ?? {};
    const { rows, grownMiB } = await memoryOfQuery({
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      env: { PASSWORD },
      open: `
      import { Secret } from "@aml/core/adapter";
      import { azureSql } from "@aml/azure-sql";
      const sql = azureSql.open({
        options: { server: "localhost", port: ${port}, database: "shop", ca: ${JSON.stringify(certificatePem)} },
        credential: { kind: "password", username: "sa", password: new Secret(process.env.PASSWORD) },
      });`,
      text: `SELECT n AS id, CAST(n * 0.37 AS float) AS fare, CONCAT('zone ', n % 263) AS zone
      FROM generate_series(1, ${ROWS}) AS g(n)`,
    });
    expect(rows).toBe(ROWS);
    // All rows kept would be 75 MiB or more.
    expect(grownMiB).toBeLessThan(size(80, 45));
  },
  120_000,
);

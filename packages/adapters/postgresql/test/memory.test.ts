import { lacksPeaks, memoryOfQuery } from "@aml/kit/memory-of-query";
import { size } from "@aml/kit/runs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { PASSWORD, sharedPostgres } from "./postgres.ts";

const ROWS = size(750_000, 200_000);

test.skipIf(lacksPeaks)(
  "memory does not follow the rows, at Node's defaults",
  async () => {
    const { port, certificate } = await sharedPostgres();
    const { rows, grownMiB } = await memoryOfQuery({
      cwd: fileURLToPath(new URL("..", import.meta.url)),
      env: { PASSWORD },
      open: `
      import { Secret } from "@aml/core/adapter";
      import { postgresql } from "@aml/postgresql";
      const sql = postgresql.open({
        options: { server: "localhost", port: ${port}, database: "shop", ca: ${JSON.stringify(certificate)} },
        credential: { kind: "password", username: "ada", password: new Secret(process.env.PASSWORD) },
      });`,
      text: `SELECT n AS id, (n * 0.37)::float8 AS fare, 'zone ' || n % 263 AS zone, timestamptz '2025-01-01Z' + n * interval '7 s' AS at
      FROM generate_series(1, ${ROWS}) n`,
    });
    expect(rows).toBe(ROWS);
    // All rows kept would be 75 MiB or more.
    expect(grownMiB).toBeLessThan(size(80, 45));
  },
  60_000,
);

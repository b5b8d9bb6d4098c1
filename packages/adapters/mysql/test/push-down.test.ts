import { Secret } from "@aml/core";
import { mysql } from "@aml/mysql";
import { afterAll, beforeAll, describe } from "vitest";
import { lacking } from "./mariadb.ts";
import { sharedPlainMariaDb } from "./suite.ts";
import { createBench, pushDownCases, type Bench } from "../../../engine-duckdb/test/push-down.ts";

const PASSWORD = "push-5f1c0de";
const pick = (values: string, plus = 0): string =>
  `ELT((n + ${plus}) % ${values.split(", ").length} + 1, ${values})`;

const TABLE = `
  CREATE OR REPLACE DATABASE pushed CHARACTER SET utf8mb4;
  CREATE OR REPLACE USER push IDENTIFIED BY '${PASSWORD}';
  GRANT SELECT ON pushed.* TO push;
  USE pushed;
  CREATE TABLE many (id INT PRIMARY KEY, small TINYINT, big BIGINT, positive INT UNSIGNED, ratio DOUBLE, price DECIMAL(12,3),
    t TEXT, v VARCHAR(10), c CHAR(4), b VARCHAR(10) COLLATE utf8mb4_bin, flag BIT(1), at TIMESTAMP(6) NULL,
    plain DATETIME(6), day DATE, r FLOAT, y YEAR);
  INSERT INTO many SELECT n, IF(n % 7 > 0, n % 9 - 4, NULL),
    ${pick("NULL, 9223372036854775807, 9007199254740993, 9007199254740992, 1, -1")},
    ${pick("NULL, 0, 4294967295, 7")},
    ${pick("NULL, 0.1, 1.5, -0.25, 7, -0e0")},
    ${pick("NULL, 1.5, 0, -0.25, 7, 3")},
    ${pick("NULL, '', 'a', 'A', 'a ', 'abc', 'é', 'e\u0301', 'b''c', 'x\\\\y', '7'")},
    ${pick("NULL, 'a', 'ABC', 'abc'")},
    ${pick("NULL, 'a', 'abc', ''")},
    ${pick("NULL, 'a', 'A', 'a ', 'abc'")},
    n % 2,
    ${pick("NULL, '2026-01-01 00:00:00', '2026-01-01 12:30:00.123456', '1999-12-31 23:59:59.999999'")},
    ${pick("NULL, '2026-01-01 00:00:00', '2026-01-01 12:30:00.123456', '0000-00-00 00:00:00'")},
    ${pick("NULL, '2026-01-01', '1999-12-31', '2026-01-02'")},
    ${pick("NULL, 0.1, 1.5, 7")},
    2000 + n % 3
  FROM (SELECT CAST(seq AS SIGNED) AS n FROM seq_1_to_300) AS numbers;`;

describe.skipIf(lacking !== undefined)(
  `push-down to MariaDB${lacking === undefined ? "" : ` (${lacking})`}`,
  () => {
    let bench: Bench;
    beforeAll(async () => {
      const server = await sharedPlainMariaDb();
      await server.admin(TABLE);
      bench = await createBench(
        mysql.open({
          options: mysql.parseOptions({
            server: "localhost",
            port: server.port,
            database: "pushed",
            tls: "disable",
            zeroDates: "null",
          }),
          credential: { kind: "password", username: "push", password: new Secret(PASSWORD) },
        }),
      );
    });
    afterAll(() => bench?.close());
    const names = "id,small,big,positive,ratio,price,t,v,c,b,flag,at,plain,day,r,y".split(",");
    pushDownCases(() => bench, names, 150);
  },
);

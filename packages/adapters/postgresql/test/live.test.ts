import { Secret } from "@aml/core/adapter";
import { postgresql } from "@aml/postgresql";
import { expect, test } from "vitest";

const url = process.env["AML_TEST_POSTGRESQL_URL"];

if (url === undefined) {
  test.skip("queries on a real server (needs AML_TEST_POSTGRESQL_URL)", () => undefined);
} else {
  const target = new URL(url);
  const open = (password = decodeURIComponent(target.password)) =>
    postgresql.open({
      options: postgresql.parseOptions({
        server: target.hostname,
        port: Number(target.port || 5432),
        database: decodeURIComponent(target.pathname.slice(1)),
        ...(target.searchParams.get("tls") === "disable" && { tls: "disable" }),
      }),
      credential: {
        kind: "password",
        username: decodeURIComponent(target.username),
        password: new Secret(password),
      },
    });

  test("rows, parameters and exact numbers", async () => {
    const sql = open();
    const { batches } = await sql.query({
      text: "SELECT 9007199254740993::bigint AS big, :text::text AS who, NULL::text AS nothing",
      parameters: { text: "o'brien \u{1F600}" },
    });
    const rows = [];
    for await (const batch of batches) rows.push(...batch);
    expect(rows).toEqual([{ big: 9_007_199_254_740_993n, who: "o'brien \u{1F600}", nothing: null }]);
    await sql.close();
  });

  test("nothing is written, and refusals have their codes", async () => {
    const sql = open();
    await expect(sql.query({ text: "CREATE TABLE aml_tests_written (a INT)" })).rejects.toMatchObject({
      code: "unsupported",
    });
    await expect(sql.query({ text: "SELECT * FROM aml_tests_written" })).rejects.toMatchObject({
      code: "not_found",
    });
    await sql.close();
    const wrong = open("wrong-canary-90210");
    await expect(wrong.query({ text: "SELECT 1" })).rejects.toMatchObject({ code: "auth_failed" });
    await wrong.close();
  });
}

import { Secret, type SqlSource } from "@aml/core/adapter";
import { expect, test } from "vitest";

export interface LiveServer {
  readonly host: string;
  readonly port: number | undefined;
  readonly database: string;
  /** Only where the URL says `?tls=disable`. */
  readonly withoutTls: boolean;
  readonly credential: { readonly kind: "password"; readonly username: string; readonly password: Secret };
}

/**
 * Declares what a real server is asked, which `variable` names as a URL with user, password and database.
 *
 * @param text - gives `big`, which is 9007199254740993, `who`, the parameter `:text`, and `nothing`, which is null.
 */
export function liveQueries(variable: string, open: (server: LiveServer) => SqlSource, text: string): void {
  const url = process.env[variable];
  if (url === undefined) {
    test.skip(`queries on a real server (needs ${variable})`, () => undefined);
    return;
  }
  const target = new URL(url);
  const openAs = (password = decodeURIComponent(target.password)): SqlSource =>
    open({
      host: target.hostname,
      port: target.port === "" ? undefined : Number(target.port),
      database: decodeURIComponent(target.pathname.slice(1)),
      withoutTls: target.searchParams.get("tls") === "disable",
      credential: {
        kind: "password",
        username: decodeURIComponent(target.username),
        password: new Secret(password),
      },
    });

  test("rows, parameters and exact numbers", async () => {
    const sql = openAs();
    const { batches } = await sql.query({ text, parameters: { text: "o'brien \u{1F600}" } });
    const rows = [];
    for await (const batch of batches) rows.push(...batch);
    expect(rows).toEqual([{ big: 9_007_199_254_740_993n, who: "o'brien \u{1F600}", nothing: null }]);
    await sql.close();
  });

  test("nothing is written, and refusals have their codes", async () => {
    const sql = openAs();
    await expect(sql.query({ text: "CREATE TABLE aml_tests_written (a INT)" })).rejects.toMatchObject({
      code: "unsupported",
    });
    await expect(sql.query({ text: "SELECT * FROM aml_tests_written" })).rejects.toMatchObject({
      code: "not_found",
    });
    await sql.close();
    const wrong = openAs("wrong-canary-90210");
    await expect(wrong.query({ text: "SELECT 1" })).rejects.toMatchObject({ code: "auth_failed" });
    await wrong.close();
  });
}

import { isAmlError } from "@aml/core";
import { assertNoLeak } from "../canary.ts";
import { equal, failure, ok, refuses } from "../expect.ts";
import type { SqlCase } from "../sql-case.ts";
import { given, isSeries, rowsOf } from "../sql-expect.ts";
import { asking, otherwise } from "../sql-mutate.ts";

export const sqlSafetyCases: readonly SqlCase[] = [
  {
    id: "write/refused",
    title: "a statement that writes is refused, and nothing has changed",
    needs: [],
    async run({ sql, statements, server }) {
      const before = await server.state();
      ok(statements.writes.length > 0, "The fixture has no statements that write.");
      for (const text of statements.writes) {
        const error = await failure(() => rowsOf(sql, text));
        ok(isAmlError(error), `${text} failed with ${String(error)}, not with an AmlError.`);
        equal(await server.state(), before, `After ${text} the state`);
        isSeries(await rowsOf(sql, statements.series(3, "n")), 3, "n");
      }
      await refuses(() => rowsOf(sql, statements.writes[0] ?? ""), "unsupported", "permission_denied");
    },
    mutate: (fixture) => {
      let changed = false;
      const server = { ...fixture.server, state: async () => `${await fixture.server.state()}${changed}` };
      const { sql } = asking((query, statement, options) => {
        changed ||= fixture.statements.writes.includes(statement.text);
        return query(statement, options);
      })(fixture);
      return { ...fixture, server, sql };
    },
  },
  {
    id: "write/behind",
    title: "a statement that writes behind one that reads changes nothing, and is not overlooked",
    needs: [],
    async run({ sql, statements, server }) {
      const before = await server.state();
      const text = `${statements.series(1, "n")};\n${statements.writes[0] ?? ""}`;
      const error = await failure(() => rowsOf(sql, text));
      ok(isAmlError(error), `It failed with ${String(error)}, not with an AmlError.`);
      equal(await server.state(), before, "The state");
    },
    mutate: asking((query, { text, ...rest }, options) =>
      query({ ...rest, text: text.split(";\n")[0] ?? "" }, options),
    ),
  },
  {
    id: "secrets/canary",
    title: "no secret shows in the source, its results and its errors",
    needs: ["secrets"],
    async run({ sql, statements, others, secrets = [] }) {
      ok(secrets.length > 0, "The fixture has no secrets.");
      const all: unknown[] = [sql, sql.uri, await rowsOf(sql, statements.series(1, "n"))];
      for (const text of [statements.broken, statements.missingTable, ...statements.writes]) {
        all.push(await failure(() => rowsOf(sql, text)));
      }
      const { unreachable, unknownDatabase, wrongPassword, withoutTls, untrusted } = others;
      for (const open of [unreachable, unknownDatabase, wrongPassword, withoutTls, untrusted]) {
        if (open === undefined) continue;
        const other = open();
        all.push(other, await failure(() => rowsOf(other, statements.series(1, "n"))));
        await other.close();
      }
      for (const secret of secrets) assertNoLeak(secret, all);
    },
    mutate: (fixture) => ({
      ...fixture,
      sql: { ...fixture.sql, uri: `${fixture.sql.uri}?${fixture.secrets?.[0]}` },
    }),
  },
  {
    id: "sign-in/wrong-password",
    title: "a wrong password is auth_failed",
    needs: ["password"],
    async run({ statements, others }) {
      await refusesToOpen(given(others.wrongPassword, "others.wrongPassword")(), statements, "auth_failed");
    },
    mutate: (fixture) => ({ ...fixture, others: { ...fixture.others, wrongPassword: () => fixture.sql } }),
  },
  {
    id: "sign-in/unknown-database",
    title: "a database that is not there is not_found",
    needs: [],
    async run({ statements, others }) {
      await refusesToOpen(others.unknownDatabase(), statements, "not_found");
    },
    mutate: (fixture) => ({ ...fixture, others: { ...fixture.others, unknownDatabase: () => fixture.sql } }),
  },
  {
    id: "sign-in/unreachable",
    title: "a port where nothing listens is unavailable",
    needs: [],
    async run({ statements, others }) {
      await refusesToOpen(others.unreachable(), statements, "unavailable");
    },
    mutate: (fixture) => ({ ...fixture, others: { ...fixture.others, unreachable: () => fixture.sql } }),
  },
  {
    id: "tls/required",
    title: "a server without TLS is refused before it gets the password",
    needs: ["tls"],
    async run({ statements, others }) {
      await refusesToOpen(
        given(others.withoutTls, "others.withoutTls")(),
        statements,
        "config_invalid",
        "unavailable",
      );
    },
    mutate: (fixture) => ({ ...fixture, others: { ...fixture.others, withoutTls: () => fixture.sql } }),
  },
  {
    id: "tls/untrusted",
    title: "a certificate that nobody vouches for is refused",
    needs: ["tls"],
    async run({ statements, others }) {
      await refusesToOpen(
        given(others.untrusted, "others.untrusted")(),
        statements,
        "config_invalid",
        "unavailable",
      );
    },
    mutate: (fixture) => ({ ...fixture, others: { ...fixture.others, untrusted: () => fixture.sql } }),
  },
  {
    id: "sign-in/token",
    title: "a token that the server no longer takes is replaced for new connections",
    needs: ["token"],
    async run({ statements, others }) {
      const { sql, rotate } = given(others.token, "others.token")();
      try {
        isSeries(await rowsOf(sql, statements.series(3, "n")), 3, "n");
        await rotate();
        isSeries(await rowsOf(sql, statements.series(3, "n")), 3, "n");
      } finally {
        await sql.close();
      }
    },
    mutate: (fixture) => ({
      ...fixture,
      others: {
        ...fixture.others,
        token: () => {
          const opened = given(fixture.others.token, "others.token")();
          let rotated = false;
          const sql = otherwise(opened.sql, (query, statement, options) =>
            query(
              { ...statement, text: rotated ? fixture.statements.missingTable : statement.text },
              options,
            ),
          );
          return { sql, rotate: async () => ((rotated = true), opened.rotate()) };
        },
      },
    }),
  },
];

async function refusesToOpen(
  sql: Parameters<typeof rowsOf>[0],
  { series }: { readonly series: (count: number, column: string) => string },
  ...codes: Parameters<typeof refuses>[1][]
): Promise<void> {
  try {
    await refuses(() => rowsOf(sql, series(1, "n")), ...codes);
  } finally {
    await sql.close();
  }
}

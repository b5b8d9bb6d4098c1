import { isAmlError, type Row } from "@aml/core";
import { equal, failure, ok, refuses } from "../expect.ts";
import type { SqlCase } from "../sql-case.ts";
import { ask, given, isSeries, rowsOf, settles } from "../sql-expect.ts";
import { asking, batching, clinging, truncating } from "../sql-mutate.ts";

/** More rows than anybody waits for. */
const ENDLESS = 1_000_000_000;

/** What may be on its way to a reader that does not ask: Linux alone keeps up to 36 MiB of a connection on loopback. */
const UNASKED_BYTES = 128 * 2 ** 20;

export const sqlStreamCases: readonly SqlCase[] = [
  {
    id: "stream/first-rows",
    title: "the first rows of a query that never ends come at once",
    needs: [],
    async run({ sql, statements, server }) {
      for await (const batch of (await ask(sql, statements.series(ENDLESS, "n"))).batches) {
        equal(Number(batch[0]?.["n"]), 1, "The first row");
        break;
      }
      await settles(server.running, "Queries on the server");
    },
    // Gathers everything first.
    mutate: batching(async function* (batches) {
      const all: Row[] = [];
      for await (const batch of batches) all.push(...batch.slice(0, 1));
      yield all;
    }),
  },
  {
    id: "stream/back-pressure",
    title: "the server sends no more than is asked for",
    needs: ["received"],
    async run({ sql, statements, server }) {
      const received = given(server.received, "server.received");
      const { batches } = await ask(sql, statements.wide(1_000_000), { batchRows: 10 });
      const reader = batches[Symbol.asyncIterator]();
      let bytes = -1;
      // A reader that has stopped once stops again.
      for (let turn = 0; turn < 5 && bytes <= UNASKED_BYTES; turn += 1) {
        await reader.next();
        // Each look takes the server's time, which an eager reader would use.
        for (let still = 0; still < 20 && bytes <= UNASKED_BYTES;) {
          await server.running();
          still = received() === bytes ? still + 1 : 0;
          bytes = received();
        }
      }
      await reader.return?.();
      ok(bytes <= UNASKED_BYTES, `The server has sent ${bytes} bytes for a reader of a few batches.`);
    },
    mutate: asking(async (query, statement, options) => {
      const result = await query(statement, { ...options, batchRows: 5000 });
      const all: Row[] = [];
      void (async () => {
        for await (const batch of result.batches) all.push(...batch.slice(0, 1));
      })().catch(() => undefined);
      const batches = (async function* () {
        yield [{ n: 1 }];
      })();
      return { ...result, batches };
    }),
  },
  {
    id: "stream/early-stop",
    title: "leaving the loop ends the query on the server, and the source goes on",
    needs: [],
    async run({ sql, statements, server }) {
      let batches = 0;
      for await (const _ of (await ask(sql, statements.wide(ENDLESS), { batchRows: 10 })).batches) {
        batches += 1;
        if (batches === 3) break;
      }
      await settles(server.running, "Queries on the server");
      isSeries(await rowsOf(sql, statements.series(3, "n")), 3, "n");
    },
    mutate: batching(clinging),
  },
  {
    id: "stream/dispose",
    title: "a result that nobody reads is given back by disposing of it",
    needs: [],
    async run({ sql, statements, server }) {
      const result = await ask(sql, statements.wide(ENDLESS));
      await result[Symbol.asyncDispose]();
      await settles(server.running, "Queries on the server");
      ok(isAmlError(await failure(() => result.batches[Symbol.asyncIterator]().next())), "It can be read.");
    },
    mutate: asking(async (query, statement, options) => ({
      ...(await query(statement, options)),
      [Symbol.asyncDispose]: async () => undefined,
    })),
  },
  {
    id: "stream/read-once",
    title: "a result is read once; the second reading is query_failed, not empty",
    needs: [],
    async run({ sql, statements }) {
      const { batches } = await ask(sql, statements.series(3, "n"));
      for await (const _ of batches);
      await refuses(async () => {
        for await (const _ of batches);
      }, "query_failed");
    },
    mutate: batching((batches) => truncating(batches)),
  },
  {
    id: "stream/two-readers",
    title: "two queries are read at once, each whole and in order",
    needs: [],
    async run({ sql, statements }) {
      const one = (await ask(sql, statements.series(2500, "n"), { batchRows: 100 })).batches[
        Symbol.asyncIterator
      ]();
      const other = (await ask(sql, statements.series(1500, "m"), { batchRows: 70 })).batches[
        Symbol.asyncIterator
      ]();
      const rows = { one: 0, other: 0 };
      for (let left = 2; left > 0;) {
        left = 0;
        const [a, b] = await Promise.all([one.next(), other.next()]);
        for (const row of a.done ? [] : a.value)
          equal(Number(row["n"]), (rows.one += 1), "A row of the first");
        for (const row of b.done ? [] : b.value)
          equal(Number(row["m"]), (rows.other += 1), "A row of the second");
        left += Number(!a.done) + Number(!b.done);
      }
      equal(rows, { one: 2500, other: 1500 }, "The numbers of rows");
    },
    mutate: (fixture) => {
      // One connection for all: the next query waits until the last is read.
      let free = Promise.resolve();
      return asking(async (query, statement, options) => {
        await free;
        const result = await query(statement, options);
        let done = (): void => undefined;
        free = new Promise((resolve) => (done = resolve));
        async function* batches(): AsyncGenerator<Awaited<ReturnType<typeof rowsOf>>> {
          for await (const batch of result.batches) yield [...batch];
          done();
        }
        return { ...result, batches: batches() };
      })(fixture);
    },
  },
  {
    id: "stream/reuse",
    title: "queries one after the other share one connection",
    needs: ["connections"],
    async run({ sql, statements, server }) {
      for (let query = 0; query < 5; query += 1)
        isSeries(await rowsOf(sql, statements.series(3, "n")), 3, "n");
      equal(await given(server.connections, "server.connections")(), 1, "The number of connections");
    },
    mutate: (fixture) => ({
      ...fixture,
      sql: asking(async (query, statement, options) => {
        // A connection for each query, none given back.
        await query({ text: fixture.statements.wide(ENDLESS) }, {});
        return query(statement, options);
      })(fixture).sql,
    }),
  },
  {
    id: "stream/killed",
    title: "a server that goes away in the middle is unavailable, never a short result",
    needs: ["kill"],
    async run({ sql, statements, server }) {
      const reader = (await ask(sql, statements.wide(ENDLESS), { batchRows: 10 })).batches[
        Symbol.asyncIterator
      ]();
      await reader.next();
      await given(server.kill, "server.kill")();
      await refuses(async () => {
        for (let next = await reader.next(); !next.done; next = await reader.next());
      }, "unavailable");
    },
    mutate: batching(truncating),
  },
  {
    id: "stream/after-kill",
    title: "the source connects again after its connections were lost",
    needs: ["kill"],
    async run({ sql, statements, server }) {
      isSeries(await rowsOf(sql, statements.series(3, "n")), 3, "n");
      await given(server.kill, "server.kill")();
      await settles(given(server.connections, "server.connections"), "Connections");
      isSeries(await rowsOf(sql, statements.series(3, "n")), 3, "n");
    },
    mutate: (fixture) => {
      let lost = false;
      const { kill } = fixture.server;
      const server = { ...fixture.server, kill: async () => ((lost = true), kill?.()) };
      const { sql } = asking((query, statement, options) =>
        query({ ...statement, text: lost ? fixture.statements.missingTable : statement.text }, options),
      )(fixture);
      return { ...fixture, server, sql };
    },
  },
  {
    id: "stream/close",
    title: "closing the source ends its connections, and a reader in the middle gets an error",
    needs: ["connections"],
    async run({ sql, statements, server }) {
      const reader = (await ask(sql, statements.wide(ENDLESS), { batchRows: 10 })).batches[
        Symbol.asyncIterator
      ]();
      await reader.next();
      await sql.close();
      ok(
        isAmlError(
          await failure(async () => {
            for (let next = await reader.next(); !next.done; next = await reader.next());
          }),
        ),
        "The reader got no AmlError.",
      );
      await settles(given(server.connections, "server.connections"), "Connections");
      ok(
        isAmlError(await failure(() => rowsOf(sql, statements.series(1, "n")))),
        "A closed source gives rows.",
      );
    },
    mutate: (fixture) => ({ ...fixture, sql: { ...fixture.sql, close: async () => undefined } }),
  },
];

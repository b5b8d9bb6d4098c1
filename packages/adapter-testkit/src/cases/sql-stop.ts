import { equal, failure, refuses } from "../expect.ts";
import type { SqlCase } from "../sql-case.ts";
import { ask, isSeries, rowsOf, settles } from "../sql-expect.ts";
import { asking, optioning } from "../sql-mutate.ts";

const deaf = optioning((options) => ({ ...options, signal: undefined }));

export const sqlStopCases: readonly SqlCase[] = [
  {
    id: "abort/before",
    title: "an aborted signal stops a query before it begins, with its own reason",
    needs: [],
    async run({ sql, statements }) {
      const reason = new Error("The user changed her mind.");
      const options = { signal: AbortSignal.abort(reason) };
      const error = await failure(() => ask(sql, statements.series(1, "n"), options));
      equal(error === reason, true, "Whether the reason came back untouched");
    },
    mutate: deaf,
  },
  {
    id: "abort/waiting",
    title: "an abort ends the waiting for the first row, and the query on the server",
    needs: [],
    async run({ sql, statements, server }) {
      const controller = new AbortController();
      const reason = new Error("The user changed her mind.");
      const waiting = failure(() => rowsOf(sql, statements.slow, { signal: controller.signal }));
      while ((await server.running()) === 0);
      controller.abort(reason);
      equal((await waiting) === reason, true, "Whether the reason came back untouched");
      await settles(server.running, "Queries on the server");
      isSeries(await rowsOf(sql, statements.series(3, "n")), 3, "n");
    },
    mutate: asking(async (query, statement, { signal, ...options }) => {
      // Lets the caller go, and the server work on.
      const aborted = new Promise<never>((_resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason as Error));
      });
      return Promise.race([aborted, query(statement, options)]);
    }),
  },
  {
    id: "abort/reading",
    title: "an abort ends a result that is being read, with its own reason",
    needs: [],
    async run({ sql, statements, server }) {
      const controller = new AbortController();
      const reason = new Error("The user changed her mind.");
      const options = { signal: controller.signal, batchRows: 10 };
      const reader = (await ask(sql, statements.series(1_000_000_000, "n"), options)).batches[
        Symbol.asyncIterator
      ]();
      await reader.next();
      controller.abort(reason);
      const error = await failure(async () => {
        for (let next = await reader.next(); !next.done; next = await reader.next());
      });
      equal(error === reason, true, "Whether the reason came back untouched");
      await settles(server.running, "Queries on the server");
    },
    mutate: deaf,
  },
  {
    id: "abort/idle",
    title: "an abort while nobody asks for rows ends the query on the server",
    needs: [],
    async run({ sql, statements, server }) {
      const controller = new AbortController();
      const options = { signal: controller.signal, batchRows: 10 };
      const { batches } = await ask(sql, statements.wide(1_000_000_000), options);
      await batches[Symbol.asyncIterator]().next();
      controller.abort(new Error("The user changed her mind."));
      await settles(server.running, "Queries on the server");
    },
    mutate: deaf,
  },
  {
    id: "timeout/waiting",
    title: "a query that takes longer than allowed is a timeout, and ends on the server",
    needs: [],
    async run({ sql, statements, server }) {
      await refuses(() => rowsOf(sql, statements.slow, { timeoutMs: 200 }), "timeout");
      await settles(server.running, "Queries on the server");
      isSeries(await rowsOf(sql, statements.series(3, "n"), { timeoutMs: 60_000 }), 3, "n");
    },
    mutate: optioning((options) => ({ ...options, timeoutMs: undefined })),
  },
  {
    id: "timeout/reading",
    title: "the time that is spent reading counts as well",
    needs: [],
    async run({ sql, statements, server }) {
      const endless = statements.series(1_000_000_000, "n");
      await refuses(async () => {
        for await (const _ of (await ask(sql, endless, { timeoutMs: 500, batchRows: 10 })).batches);
      }, "timeout");
      await settles(server.running, "Queries on the server");
    },
    mutate: optioning((options) => ({ ...options, timeoutMs: undefined })),
  },
];

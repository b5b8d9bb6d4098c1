import { AmlError, type Row, type Schema } from "@aml/core/adapter";
import type { BoundStatement, SqlCursor, SqlStartOptions } from "@aml/core/sql";
import { columnReaders, type DriverColumn } from "./columns.ts";
import type { RunPlan } from "./describe.ts";
import { createHeldRows, type DriverCells, type HeldRows } from "./held-rows.ts";
import type { RunningStream, Session } from "./session.ts";

/** Runs a statement; resolves when its columns are known. */
export function openCursor(
  session: Session,
  bound: BoundStatement,
  plan: RunPlan,
  { batchRows, timestamps }: Pick<SqlStartOptions, "batchRows" | "timestamps">,
): Promise<SqlCursor> {
  return new Promise((resolve, reject) => {
    let queue: RowQueue | undefined;
    const fail = (error: unknown): void => {
      queue?.fail(error);
      reject(error);
    };
    const stream: RunningStream = session.stream(plan.text, plan.parameters, {
      onColumns(described: readonly DriverColumn[]) {
        if (queue !== undefined) return fail(moreThanOne());
        try {
          const readers = columnReaders(described, plan.columns, timestamps);
          queue = createQueue(createHeldRows(readers), batchRows);
          resolve(cursorOf(session, stream, queue, { columns: readers.map(({ column }) => column) }));
        } catch (error) {
          fail(error);
        }
      },
      onRow(cells) {
        // One batch waits, not two: V8's room for garbage grows with what it finds alive.
        if (queue?.push(cells) === "full") stream.pause();
      },
      onEnd(error) {
        if (error !== undefined) fail(session.toError(error, bound));
        else if (queue === undefined) fail(noRows());
        queue?.end();
      },
    });
  });
}

function cursorOf(session: Session, stream: RunningStream, queue: RowQueue, schema: Schema): SqlCursor {
  return {
    schema,
    async read() {
      const rows = await queue.take(() => stream.resume());
      if (rows.length > 0) return rows;
      await session.end();
      return undefined;
    },
    async cancel() {
      queue.fail(new Error("The result was given up."));
      await session.cancel();
    },
  };
}

/** Rows between the connection, which pushes, and the reader, who takes. */
interface RowQueue {
  /** @returns `full` when a batch waits. */
  push(cells: DriverCells): "full" | undefined;
  /** What is failed stays so, with its first reason, and has no rows any more. */
  fail(error: unknown): void;
  end(): void;
  /** A batch, or what is left; nothing when all is taken. Rejects when it failed. */
  take(onEmpty: () => void): Promise<readonly Row[]>;
}

function createQueue(held: HeldRows, batchRows: number): RowQueue {
  let failure: { readonly error: unknown } | undefined;
  let ended = false;
  let wake: () => void = () => undefined;
  return {
    push(cells) {
      if (failure !== undefined) return undefined;
      held.push(cells);
      if (held.count < batchRows) return undefined;
      wake();
      return "full";
    },
    fail(error) {
      failure ??= { error };
      wake();
    },
    end() {
      ended = true;
      wake();
    },
    async take(onEmpty) {
      for (;;) {
        if (failure) throw failure.error;
        if (held.count >= batchRows || ended) return held.take();
        onEmpty();
        await new Promise<void>((next) => (wake = next));
      }
    },
  };
}

function noRows(): AmlError {
  return new AmlError("unsupported", "The statement gives no rows.", {
    operation: "query",
    hint: "Ask for rows with SELECT.",
  });
}

function moreThanOne(): AmlError {
  return new AmlError("unsupported", "The statement gives more than one result.", {
    operation: "query",
    hint: "Ask for one result at a time.",
  });
}

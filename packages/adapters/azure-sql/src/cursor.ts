import { AmlError, type Row, type Schema } from "@aml/core/adapter";
import { createRowBuilder, type BoundStatement, type SqlCursor, type SqlStartOptions } from "@aml/core/sql";
import { columnReaders, type ColumnReader, type DriverColumn } from "./columns.ts";
import type { RunPlan } from "./describe.ts";
import type { RunningStream, Session } from "./session.ts";

/** Runs a statement; resolves when its columns are known. */
export function openCursor(
  session: Session,
  bound: BoundStatement,
  plan: RunPlan,
  { batchRows, timestamps }: Pick<SqlStartOptions, "batchRows" | "timestamps">,
): Promise<SqlCursor> {
  return new Promise((resolve, reject) => {
    const queue = createQueue(batchRows);
    let decode: Decode | undefined;
    const fail = (error: unknown): void => {
      queue.fail(error);
      if (decode === undefined) reject(error);
    };
    const stream: RunningStream = session.stream(plan.text, plan.parameters, {
      onColumns(described: readonly DriverColumn[]) {
        if (decode !== undefined) return fail(moreThanOne());
        try {
          const readers = columnReaders(described, plan.columns, timestamps);
          decode = decoderOf(readers);
          resolve(cursorOf(session, stream, queue, { columns: readers.map(({ column }) => column) }));
        } catch (error) {
          fail(error);
        }
      },
      onRow(cells) {
        if (decode === undefined || queue.failed) return;
        try {
          // Rows and nothing else wait, the driver's own cells are larger; and one batch of them: V8's room for garbage
          // grows with what it finds alive, and two took 75 MiB more in 10 million rows, and no less time.
          if (queue.push(decode(cells)) >= batchRows) stream.pause();
        } catch (error) {
          fail(error);
        }
      },
      onEnd(error) {
        if (error !== undefined) fail(session.toError(error, bound));
        else if (decode === undefined) fail(noRows());
        queue.end();
      },
    });
  });
}

type Cells = readonly { readonly value: unknown }[];
type Decode = (cells: Cells) => Row;

function decoderOf(readers: readonly ColumnReader[]): Decode {
  const build = createRowBuilder(readers.map(({ column }) => column.name));
  return (cells) =>
    build((at) => {
      const value = cells[at]?.value;
      return value === null || value === undefined ? null : (readers[at] as ColumnReader).read(value);
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
  readonly failed: boolean;
  /** @returns how many wait now. */
  push(row: Row): number;
  /** What is failed stays so, with its first reason, and has no rows any more. */
  fail(error: unknown): void;
  end(): void;
  /** A batch, or what is left; nothing when all is taken. Rejects when it failed. */
  take(onEmpty: () => void): Promise<readonly Row[]>;
}

function createQueue(batchRows: number): RowQueue {
  let rows: Row[] = [];
  let failure: { readonly error: unknown } | undefined;
  let ended = false;
  let wake: () => void = () => undefined;
  return {
    get failed() {
      return failure !== undefined;
    },
    push(row) {
      const count = rows.push(row);
      if (count >= batchRows) wake();
      return count;
    },
    fail(error) {
      failure ??= { error };
      rows = [];
      wake();
    },
    end() {
      ended = true;
      wake();
    },
    async take(onEmpty) {
      for (;;) {
        if (failure) throw failure.error;
        if (rows.length >= batchRows || ended) return rows.splice(0, batchRows);
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

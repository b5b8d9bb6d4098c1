import type { Cell, Row } from "@aml/core/adapter";
import { createRowBuilder } from "@aml/core/sql";
import type { ColumnReader } from "./columns.ts";
import type { DriverTime } from "./time-text.ts";

export type DriverCells = readonly { readonly value: unknown }[];

/** Rows as the driver gave them, by column. */
export interface HeldRows {
  readonly count: number;
  push(cells: DriverCells): void;
  /** All of them, read. @throws what a reader finds wrong with a value. */
  take(): Row[];
}

interface HeldColumn {
  put(at: number, value: unknown): void;
  read(at: number): Cell;
}

/**
 * Holds rows without an object for each: what lives while V8 looks for garbage makes its young generation grow. Numbers and
 * times are held as doubles.
 */
export function createHeldRows(readers: readonly ColumnReader[]): HeldRows {
  const build = createRowBuilder(readers.map(({ column }) => column.name));
  const columns = readers.map((reader) => (reader.isTime ? heldTimes(reader) : heldValues(reader)));
  let count = 0;
  let reading = 0;
  const cellOf = (at: number): Cell => (columns[at] as HeldColumn).read(reading);
  return {
    get count() {
      return count;
    },
    push(cells) {
      for (let at = 0; at < columns.length; at += 1)
        (columns[at] as HeldColumn).put(count, cells[at]?.value ?? null);
      count += 1;
    },
    take() {
      const rows: Row[] = [];
      for (reading = 0; reading < count; reading += 1) rows.push(build(cellOf));
      count = 0;
      return rows;
    },
  };
}

function heldValues({ read }: ColumnReader): HeldColumn {
  const values: unknown[] = [];
  return {
    put: (at, value) => void (values[at] = value),
    read(at) {
      const value = values[at];
      return value === null ? null : read(value);
    },
  };
}

/** Where the driver reads the row itself, a Date has its part below the millisecond beside it, in seconds. */
type DriverDate = Date & { readonly nanosecondsDelta?: number };

function heldTimes({ read }: ColumnReader): HeldColumn {
  const moments: number[] = [];
  const belows: number[] = [];
  const time: { -readonly [Key in keyof DriverTime]: DriverTime[Key] } = { ms: 0, below: 0 };
  return {
    put(at, value) {
      const given = value as DriverTime | DriverDate | null;
      const isDate = given instanceof Date;
      moments[at] = given === null ? Number.NaN : isDate ? given.getTime() : given.ms;
      belows[at] = given === null ? 0 : isDate ? (given.nanosecondsDelta ?? 0) : given.below;
    },
    read(at) {
      time.ms = moments[at] as number;
      time.below = belows[at] as number;
      return Number.isNaN(time.ms) ? null : read(time);
    },
  };
}

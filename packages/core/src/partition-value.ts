import { AmlError } from "./aml-error.ts";
import type { Expr } from "./expr.ts";
import { escapeHive } from "./hive-value.ts";
import type { ColumnTypeSpec } from "./plan.ts";
import { utcDate } from "./utc-date.ts";

export type KeyType = "string" | "boolean" | "int32" | "int64" | "float64" | "decimal" | "date" | "timestamp";

/** Types of partition keys, and what the text of a folder's name is converted to; a format gives strings itself. */
export const RESTORED: Readonly<Record<KeyType, ColumnTypeSpec | undefined>> = {
  string: undefined,
  boolean: "boolean",
  int32: "int",
  int64: "int",
  float64: "float",
  decimal: "float",
  date: { datetime: { formats: ["%Y-%m-%d"] } },
  timestamp: { datetime: { formats: ["%Y%m%d%H%M%S", "%Y%m%d%H%M%S.%f"] } },
};

/** What is in a column that can be a key, times as texts. */
export type KeyCell = string | number | bigint | boolean;

export interface PartitionValue {
  /** Null where the cell is. */
  readonly text: string | null;
  /** What the cell is compared with. */
  readonly literal: Expr;
}

/** What a partition format gives back as it is: without the `.` that ends a value, and without signs of globs. */
const PLAIN = /^(?! )(?:[\w;,:@&=+$!~'() -]|\P{ASCII})+(?<! )$/u;
const TIME = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})0*)?(?:Z|\+00:00)?)?$/;

/** A key's value as text and as a literal of a filter: of times and decimals that is their own text. @throws `unsupported` for what no folder's name gives back. */
export function partitionValue(column: string, type: KeyType, cell: KeyCell | null): PartitionValue {
  if (cell === null) return { text: null, literal: { lit: null } };
  switch (type) {
    case "string":
      return { text: textOf(column, String(cell)), literal: { lit: String(cell) } };
    case "boolean":
      return { text: String(cell), literal: { lit: Boolean(cell) } };
    case "int32":
    case "int64": {
      const number = Number(cell);
      const literal = Number.isSafeInteger(number) ? { lit: number } : { int: String(cell) };
      return { text: String(cell), literal };
    }
    case "float64":
    case "decimal": {
      const number = Number(cell) || 0;
      // Numbers of 15 digits are the same again after a detour over a float.
      const digits = String(cell)
        .replace(/^[-0.]+/, "")
        .replace(".", "").length;
      if (!Number.isFinite(Number(cell)) || (type === "decimal" && digits > 15)) {
        throw refuse(column, String(cell), "Convert it to string first: a float does not hold this number.");
      }
      return { text: String(number), literal: { lit: type === "decimal" ? String(cell) : number } };
    }
    case "date":
    case "timestamp":
      return timeValue(column, type, String(cell));
  }
}

function textOf(column: string, text: string): string {
  // Hive writes an empty text as it writes null.
  if (text !== "" && !/[\0\p{Surrogate}]/u.test(text)) return text;
  throw refuse(
    column,
    JSON.stringify(text),
    "Fill it, or leave such rows out: no folder can have that name.",
  );
}

function timeValue(column: string, type: "date" | "timestamp", text: string): PartitionValue {
  const [, ...found] = TIME.exec(text) ?? [];
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.map((part) =>
    Number(part ?? 0),
  );
  const fraction = (found[6] ?? "").padEnd(6, "0");
  if (year < 1 || !utcDate(year, month, day, hour, minute, second)) {
    throw refuse(column, text, "A name has the years 1 to 9999, and microseconds.");
  }
  if (type === "date") {
    return { text, literal: { fn: "datetime", args: [year, month, day].map((lit) => ({ lit })) } };
  }
  const digits = text.slice(0, 19).replace(/\D/g, "");
  return { text: `${digits}${Number(fraction) > 0 ? `.${fraction}` : ""}`, literal: { lit: text } };
}

/** Whether all of the texts are names of folders as they are, so that any reader of partition formats understands them. */
export function arePlain(texts: readonly (string | null)[]): boolean {
  return texts.every((text) => text !== null && PLAIN.test(text));
}

/** The name of a folder. */
export function folderName(text: string | null, plain: boolean): string {
  return plain && text !== null ? text : escapeHive(text);
}

function refuse(column: string, value: string, hint: string): AmlError {
  return new AmlError(
    "unsupported",
    `The value ${value} of the key ${column} cannot be the name of a folder.`,
    {
      hint,
      context: { column },
    },
  );
}

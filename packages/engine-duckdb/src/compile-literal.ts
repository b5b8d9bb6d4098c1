import { AmlError, type Expr } from "@aml/core";
import { quoteDouble, quoteText } from "./sql-text.ts";

export type Kind = "boolean" | "int" | "float" | "decimal" | "text" | "bytes" | "time" | "json" | "null";

/** An expression and what its values are. */
export interface Sql {
  readonly sql: string;
  readonly kind: Kind;
  /** Never NULL. */
  readonly exact?: boolean;
  /** May end the query with an error. */
  readonly fails?: boolean | undefined;
  /** Texts that are put together in it, if more than one. */
  readonly texts?: number;
}

export const NOTHING: Sql = { sql: "NULL", kind: "null" };

export function literal(value: string | number | boolean | null): Sql {
  if (value === null) return NOTHING;
  if (typeof value === "string") return { sql: quoteText(value), kind: "text", exact: true };
  if (typeof value === "boolean") return { sql: String(value), kind: "boolean", exact: true };
  if (Number.isSafeInteger(value)) return integer(BigInt(value).toString());
  return { sql: quoteDouble(value), kind: "float", exact: true };
}

export function integer(digits: string): Sql {
  const value = BigInt(digits);
  const small = BigInt.asIntN(64, value) === value;
  if (small) return { sql: `(${value})::BIGINT`, kind: "int", exact: true };
  return { sql: quoteDouble(Number(value)), kind: "float", exact: true };
}

/** @throws `plan_invalid` for a date that no calendar has. */
export function datetime(args: readonly Expr[], step: number): Sql {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0, micro = 0] = args.map((arg) =>
    "lit" in arg ? Number(arg.lit) : Number.NaN,
  );
  const date = new Date(Date.UTC(2000, month - 1, day, hour, minute, second));
  date.setUTCFullYear(year, month - 1, day);
  const valid =
    Number.isInteger(micro) && date.getUTCMonth() === month - 1 && date.getUTCDate() === day && year > 0;
  if (!valid || args.length < 3) {
    throw new AmlError("plan_invalid", `Step ${step} (filter) has a datetime that does not exist.`, {
      hint: "Write datetime(year, month, day, hour, minute, second, microsecond) with numbers; the last four may be left out.",
      context: { step: step },
    });
  }
  const text = date.toISOString().slice(0, 19).replace("T", " ");
  return { sql: `TIMESTAMP '${text}.${String(micro).padStart(6, "0")}'`, kind: "time", exact: true };
}

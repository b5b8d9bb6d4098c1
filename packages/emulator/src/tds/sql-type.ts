import type { Token } from "./tokenizer.ts";
import { SqlError, syntaxError, unsupported } from "./sql-error.ts";

export type SqlTypeName =
  | "bit"
  | "tinyint"
  | "smallint"
  | "int"
  | "bigint"
  | "real"
  | "float"
  | "decimal"
  | "money"
  | "smallmoney"
  | "char"
  | "varchar"
  | "nchar"
  | "nvarchar"
  | "binary"
  | "varbinary"
  | "uniqueidentifier"
  | "date"
  | "time"
  | "datetime"
  | "smalldatetime"
  | "datetime2"
  | "datetimeoffset"
  | "xml"
  | "sql_variant";

export interface SqlType {
  readonly name: SqlTypeName;
  /** Characters or bytes; `"max"` for what may have 2 GiB. */
  readonly length?: number | "max";
  readonly precision?: number;
  readonly scale?: number;
}

const WITH_LENGTH: Readonly<Record<string, number>> = {
  char: 8000,
  varchar: 8000,
  nchar: 4000,
  nvarchar: 4000,
  binary: 8000,
  varbinary: 8000,
};
const WITH_SCALE: ReadonlySet<string> = new Set(["time", "datetime2", "datetimeoffset"]);
const PLAIN: ReadonlySet<string> = new Set([
  "bit",
  "tinyint",
  "smallint",
  "int",
  "bigint",
  "real",
  "money",
  "smallmoney",
  "uniqueidentifier",
  "date",
  "datetime",
  "smalldatetime",
  "xml",
  "sql_variant",
]);
const ALIASES: Readonly<Record<string, string>> = {
  integer: "int",
  dec: "decimal",
  numeric: "decimal",
  character: "char",
};
const MAX_ALIASES: Readonly<Record<string, SqlType>> = {
  text: { name: "varchar", length: "max" },
  ntext: { name: "nvarchar", length: "max" },
  image: { name: "varbinary", length: "max" },
  sysname: { name: "nvarchar", length: 128 },
};

/**
 * Reads the name of a type and its arguments.
 *
 * @param defaultLength - of a string without one: 30 in CAST, 1 in a declaration.
 * @returns the type, and how many tokens it took.
 */
export function readType(
  tokens: readonly Token[],
  at: number,
  defaultLength: number,
): { readonly type: SqlType; readonly end: number } {
  const token = tokens[at];
  if (token?.kind !== "name") throw syntaxError(token?.text ?? "", token?.line ?? 1);
  const word = token.text.toLowerCase();
  const name = ALIASES[word] ?? word;
  const { values, end } = readArguments(tokens, at + 1);
  const alias = MAX_ALIASES[name];
  if (alias) return { type: alias, end };
  const type = build(name, values, defaultLength, token.line);
  if (type) return { type, end };
  if (["timestamp", "rowversion", "hierarchyid", "geography", "geometry", "json", "vector"].includes(name)) {
    throw unsupported(name, token.line);
  }
  throw new SqlError(243, 16, `Type ${token.text} is not a defined system type.`, token.line);
}

function readArguments(tokens: readonly Token[], at: number): { values: (number | "max")[]; end: number } {
  const values: (number | "max")[] = [];
  if (tokens[at]?.text !== "(") return { values, end: at };
  for (let end = at + 1; ; end += 2) {
    const token = tokens[end];
    if (token?.word === "max") values.push("max");
    else if (token?.kind === "number") values.push(Number(token.text));
    else throw syntaxError(token?.text ?? "(", token?.line ?? 1);
    const after = tokens[end + 1];
    if (after?.text === ")") return { values, end: end + 2 };
    if (after?.text !== ",") throw syntaxError(after?.text ?? "(", token.line);
  }
}

function build(
  name: string,
  [first, second]: readonly (number | "max")[],
  defaultLength: number,
  line: number,
): SqlType | undefined {
  const limit = WITH_LENGTH[name];
  if (limit !== undefined) {
    const length = first ?? defaultLength;
    if (length !== "max" && (length < 1 || length > limit)) {
      throw new SqlError(
        131,
        15,
        `The size (${length}) given to the type '${name}' exceeds the maximum allowed (${limit}).`,
        line,
      );
    }
    return { name: name as SqlTypeName, length };
  }
  if (name === "decimal") {
    const precision = Number(first ?? 18);
    const scale = Number(second ?? 0);
    if (!(precision >= 1 && precision <= 38 && scale <= precision)) {
      throw new SqlError(1001, 15, `Length or precision specification ${precision} is invalid.`, line);
    }
    return { name, precision, scale };
  }
  if (WITH_SCALE.has(name)) {
    const scale = Number(first ?? 7);
    if (!(scale <= 7)) throw new SqlError(1002, 15, `Specified scale ${scale} is invalid.`, line);
    return { name: name as SqlTypeName, scale };
  }
  if (name === "float") return { name: Number(first ?? 53) <= 24 ? "real" : "float" };
  return PLAIN.has(name) ? { name: name as SqlTypeName } : undefined;
}

/** As SQL Server writes a type: `decimal(10,2)`, `nvarchar(max)`. */
export function typeText(type: SqlType): string {
  if (type.length !== undefined) return `${type.name}(${type.length})`;
  if (type.precision !== undefined) return `${type.name}(${type.precision},${type.scale})`;
  if (type.scale !== undefined) return `${type.name}(${type.scale})`;
  return type.name;
}

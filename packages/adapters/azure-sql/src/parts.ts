import type { PartDialect } from "@aml/core/sql";

const CASTS = {
  integer: "bigint",
  float: "float",
  boolean: "bit",
  text: "nvarchar(max)",
  timestamp: "datetime2(6)",
  instant: "datetimeoffset(6)",
} as const;

/**
 * How SQL Server is asked for a part of a query. Collations find texts equal that differ by case, accents or blanks at the
 * end; `datetime` and more than six digits of a second are compared with more than what is read of them.
 */
export const PARTS: PartDialect = {
  quoteName: (name) => `[${name.replaceAll("]", "]]")}]`,
  limits: "top",
  nestedWith: false,
  constant: (placeholder, kind) => (kind === "text" ? placeholder : `CAST(${placeholder} AS ${CASTS[kind]})`),
  comparisonOf({ nativeType = "" }) {
    const [, name = "", size = ""] = /^([a-z0-9 ]+?)(?:\((\w+)(?:,\s*\d+)?\))?$/.exec(nativeType) ?? [];
    switch (name) {
      case "tinyint":
      case "smallint":
      case "int":
      case "bigint":
      case "decimal":
      case "numeric":
        return { constant: "integer" };
      case "float":
        return { constant: "float" };
      case "bit":
        return { constant: "boolean" };
      case "char":
      case "varchar":
      case "nchar":
      case "nvarchar":
        return { constant: "text", weaker: true, equalityOnly: true };
      case "date":
        return { constant: "timestamp" };
      case "datetime2":
        return Number(size) <= 6 ? { constant: "timestamp" } : undefined;
      case "datetimeoffset":
        return Number(size) <= 6 ? { constant: "instant" } : undefined;
      default:
        return undefined;
    }
  },
};

import type { PartDialect } from "@aml/core/sql";
import { quoteName } from "./quote-name.ts";

const CASTS = {
  integer: "bigint",
  float: "float8",
  boolean: "boolean",
  text: "text",
  timestamp: "timestamp",
  instant: "timestamptz",
} as const;

/**
 * How PostgreSQL is asked for a part of a query. Equality of text is that of its code units, or with a nondeterministic
 * collation more; `real` is read as its shortest decimal and compared as its exact value, so it is left to the engine.
 */
export const PARTS: PartDialect = {
  quoteName,
  limits: "limit",
  nestedWith: true,
  constant: (placeholder, kind) => `${placeholder}::${CASTS[kind]}`,
  comparisonOf({ nativeType = "" }) {
    const type = nativeType.replace(/\(.*?\)/, "");
    switch (type) {
      case "smallint":
      case "integer":
      case "bigint":
        return { constant: "integer" };
      case "numeric": {
        // Numerics that are not declared become what their values need, which takes all of them.
        const precision = Number(/^numeric\((\d+)/.exec(nativeType)?.[1] ?? Infinity);
        return precision > 38 ? undefined : { constant: "integer", weaker: true, nan: "kept" };
      }
      case "double precision":
        return { constant: "float", nan: "out" };
      case "boolean":
        return { constant: "boolean" };
      case "text":
      case "character varying":
        return { constant: "text", weaker: true, equalityOnly: true };
      case "date":
      case "timestamp without time zone":
        return { constant: "timestamp" };
      case "timestamp with time zone":
        return { constant: "instant" };
      default:
        return undefined;
    }
  },
};

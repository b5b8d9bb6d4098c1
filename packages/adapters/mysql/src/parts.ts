import type { PartDialect } from "@aml/core/sql";

/** How MySQL and MariaDB are asked for a part of a query. Collations find texts equal that differ by case, accents or blanks. */
export const PARTS: PartDialect = {
  quoteName: (name) => `\`${name.replaceAll("`", "``")}\``,
  limits: "limit",
  nestedWith: true,
  // A comment that the server runs, and two minus signs that are none.
  strange: /\/\*M?!|--(?!\s|$)/,
  constant: (placeholder, kind) =>
    kind === "timestamp" || kind === "instant" ? `CAST(${placeholder} AS DATETIME(6))` : placeholder,
  comparisonOf({ type, nativeType = "" }) {
    const name = nativeType.replace(/\(.*?\)/, "");
    switch (name) {
      case "tinyint":
      case "smallint":
      case "mediumint":
      case "int":
      case "bigint":
      case "tinyint unsigned":
      case "smallint unsigned":
      case "mediumint unsigned":
      case "int unsigned":
        return { constant: "integer" };
      case "decimal": {
        const precision = Number(/^decimal\((\d+)/.exec(nativeType)?.[1]);
        return precision <= 38 ? { constant: "integer" } : undefined;
      }
      case "double":
        return { constant: "float" };
      case "char":
      case "varchar":
      case "text":
        return type === "string" ? { constant: "text", weaker: true, equalityOnly: true } : undefined;
      case "date":
      case "datetime":
      case "timestamp":
        // 0000-00-00 is before every date, and for the engine null.
        return { constant: "timestamp", weaker: true };
      default:
        return undefined;
    }
  },
};

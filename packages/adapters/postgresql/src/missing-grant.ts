import { quoteName } from "./quote-name.ts";

/** What the server names where it refuses: the smallest right on it that lets a query go on. */
const RIGHTS: readonly (readonly [RegExp, string])[] = [
  [/^(table|view|materialized view|foreign table|relation)$/, "SELECT ON"],
  [/^sequence$/, "SELECT ON SEQUENCE"],
  [/^schema$/, "USAGE ON SCHEMA"],
  [/^database$/, "CONNECT ON DATABASE"],
  [/^(function|procedure|aggregate)$/, "EXECUTE ON FUNCTION"],
  [/^type$/, "USAGE ON TYPE"],
];

/** The smallest grant that a query lacks, as SQL. */
export function missingGrant({ said, user }: { readonly said: string; readonly user: string }): string {
  const [, kind = "", quoted, bare] = /^permission denied for ([a-z ]+?) (?:"(.+)"|(\S.*))$/.exec(said) ?? [];
  const right = RIGHTS.find(([pattern]) => pattern.test(kind))?.[1];
  const name = quoted ?? bare;
  const what =
    right === undefined || name === undefined
      ? "SELECT ON …"
      : `${right} ${quoteName(name)}${kind === "function" ? "(…)" : ""}`;
  return `Have it granted: GRANT ${what} TO ${quoteName(user)}.`;
}

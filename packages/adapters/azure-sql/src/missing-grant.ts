/** The smallest grant that a query lacks, as SQL, of what the server says that it denies. */
export function missingGrant(said: string, user: string): string {
  const [, view] = /\b(VIEW [A-Z ]*STATE) permission (?:was )?denied/.exec(said) ?? [];
  if (view !== undefined) return `GRANT ${view} TO ${bracketed(user)}`;
  const [, right = "SELECT"] = /^The ([A-Z][A-Z ]*) permission was denied/.exec(said) ?? [];
  const [, object, schema] = /\bobject '(.+?)'(?:, database '.*', schema '(.+?)')?$/.exec(said) ?? [];
  const [, column] = /\bon the column '(.+?)' of the object/.exec(said) ?? [];
  const columns = column === undefined ? "" : `(${bracketed(column)})`;
  const path = [schema, object].filter((name) => name !== undefined);
  const on = object === undefined ? "…" : path.map(bracketed).join(".");
  return `GRANT ${right} ON ${on}${columns} TO ${bracketed(user)}`;
}

export function bracketed(name: string): string {
  return `[${name.replaceAll("]", "]]")}]`;
}

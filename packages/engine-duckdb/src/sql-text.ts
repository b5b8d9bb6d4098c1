/** An identifier. Nothing else in this package puts a name into SQL. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A VARCHAR literal. A NUL would end the statement early, so it is spelled out. */
export function quoteText(value: string): string {
  const plain = `'${value.replaceAll("'", "''")}'`;
  return value.includes("\0") ? `(${plain.replaceAll("\0", "' || chr(0) || '")})` : plain;
}

/** A DOUBLE literal of the same value. */
export function quoteDouble(value: number): string {
  return `${quoteText(String(value))}::DOUBLE`;
}

export function quoteList(values: readonly string[]): string {
  return `[${values.map(quoteText).join(", ")}]`;
}

/** A path for a function that expands globs, such that it stands for that one file. */
export function escapeGlob(path: string): string {
  return path.replace(/[*?[]/g, "[$&]");
}

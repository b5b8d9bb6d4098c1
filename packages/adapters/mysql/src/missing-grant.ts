interface Denied {
  /** The server's own words. */
  readonly said: string;
  readonly database: string;
  readonly user: string;
}

/**
 * The smallest grant that a query lacks, as SQL. The server's words name the account, with the host that it comes from,
 * and the table or the database.
 */
export function missingGrant({ said, database, user }: Denied): string {
  const global = /\bneed \(at least one of\) the ([A-Z_]+)/.exec(said)?.[1];
  if (global !== undefined) return `Have it granted: GRANT ${global} ON *.* TO ${text(user)}.`;
  const [, name = user, host] = /'([^']+)'@'([^']+)'/.exec(said) ?? [];
  const account = host === undefined ? text(name) : `${text(name)}@${text(host)}`;
  const routine = /\bfor routine '([^']+)'/.exec(said)?.[1];
  if (routine !== undefined)
    return `Have it granted: GRANT EXECUTE ON FUNCTION ${path(routine.split("."))} TO ${account}.`;
  return `Have it granted: GRANT SELECT${columnOf(said)} ON ${objectOf(said, database)} TO ${account}.`;
}

function columnOf(said: string): string {
  const column = /\bfor column '([^']+)'/.exec(said)?.[1];
  return column === undefined ? "" : ` (${path([column])})`;
}

/** Of a table some servers say the database too. */
function objectOf(said: string, database: string): string {
  const whole = /\btable `([^`]+)`\.`([^`]+)`/.exec(said);
  if (whole) return path(whole.slice(1));
  const table = /\btable '([^']+)'/.exec(said)?.[1];
  if (table !== undefined) return path([database, table]);
  return `${path([/\bto database '([^']+)'/.exec(said)?.[1] ?? database])}.*`;
}

function path(names: readonly string[]): string {
  return names.map((name) => `\`${name.replaceAll("`", "``")}\``).join(".");
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

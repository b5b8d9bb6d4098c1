/** An error or a message as SQL Server numbers them. */
export interface SqlServerError {
  readonly number: number;
  /** 11 to 16 is the statement's fault, 20 and more ends the connection. */
  readonly severity: number;
  readonly message: string;
  readonly state?: number | undefined;
  /** One-based, in the batch. */
  readonly line?: number | undefined;
}

/** Thrown by what reads and runs statements; sent to the client as an ERROR token. */
export class SqlError extends Error implements SqlServerError {
  override readonly name = "SqlError";
  readonly number: number;
  readonly severity: number;
  readonly state: number;
  readonly line: number;

  constructor(number: number, severity: number, message: string, line = 1, state = 1) {
    super(message);
    this.number = number;
    this.severity = severity;
    this.line = line;
    this.state = state;
  }
}

/** "Incorrect syntax near …" */
export function syntaxError(near: string, line: number): SqlError {
  return new SqlError(102, 15, `Incorrect syntax near '${near}'.`, line);
}

/** What SQL Server has and this dialect has not: as Azure SQL says it of what it lacks itself. */
export function unsupported(what: string, line: number): SqlError {
  return new SqlError(
    40_517,
    15,
    `Keyword or statement option '${what}' is not supported in this emulator's dialect of SQL.`,
    line,
  );
}

import type { Step, TabularPlan } from "./plan.ts";
import type { OperationOptions } from "./storage.ts";
import type { Column } from "./table.ts";

/** What opening a table would do. Plain JSON; holds no secret, and no value of a query's parameters. */
export interface Explanation {
  readonly plan: TabularPlan;
  /** The engine's SQL, one `WITH` part a step, over the URIs of the files. Absent where names and types cannot be had cheaply. */
  readonly sql?: string | undefined;
  /** Of a table over files. */
  readonly files?: ExplainedFiles | undefined;
  readonly bytes?: ExplainedBytes | undefined;
  /** Of a table over a query of a database. */
  readonly query?: ExplainedQuery | undefined;
  /** Sentences for people: what the rest does not tell. */
  readonly notes: readonly string[];
}

export interface ExplainedFiles {
  /** Files that the paths stand for; of a Delta table, the files of its version. */
  readonly listed: number;
  /** Files that rows are read from. */
  readonly read: number;
  /** The first 100 of those that are not; `listed - read` is how many there are. */
  readonly pruned: readonly PrunedFile[];
}

export interface PrunedFile {
  readonly uri: string;
  /** The step that leaves it out, and by what: `step 1 (filter): col("year") == "2025"`. */
  readonly reason: string;
}

export interface ExplainedBytes {
  /** Of the files listed. */
  readonly stored: number;
  /** Of the files that rows are read from. */
  readonly read: number;
  /** At most so many will be fetched from the store. */
  readonly fetch: number;
  /** Of those to read, already on this machine: in the cache, or used where they lie. */
  readonly cached: number;
}

/** What becomes of a query and the steps over it. */
export interface ExplainedQuery {
  readonly datastore: string;
  /** The statement as it is sent; `:name` where a parameter is bound. */
  readonly sent: string;
  /** Types of the parameters by name: never their values. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Indexes of the plan's steps that the database does wholly. */
  readonly pushedSteps: readonly number[];
  /** Why the next step is not pushed; absent when all are. */
  readonly notPushed?: string | undefined;
}

/** What opening a statement over tables would do. Plain JSON, as an explanation of a table is. */
export interface SqlExplanation {
  /** The statement. */
  readonly text: string;
  /** The tables that it names, each as it is read for it; others are not read. */
  readonly tables: readonly ExplainedTable[];
  /** Sentences for people: what the rest does not tell. */
  readonly notes: readonly string[];
}

export interface ExplainedTable extends Explanation {
  /** In the statement. */
  readonly name: string;
}

/** What a statement reads. */
export interface StatementNames {
  /** Names of its tables, in lower case. */
  readonly tables: ReadonlySet<string>;
  /** Every name that may be of a column, in lower case; undefined where it asks for all columns. */
  readonly columns: ReadonlySet<string> | undefined;
  /** What its WHERE says of a table alone. */
  conditions(table: string): ExtraSteps | undefined;
}

export interface ExplainOptions extends OperationOptions {
  /** Columns that are of use, in lower case; all unless given. */
  readonly columns?: ReadonlySet<string> | undefined;
  /** What else is asked of its rows. */
  readonly conditions?: ExtraSteps | undefined;
}

/** Steps that may come behind those of a plan, by the columns that it has in the end. */
export type ExtraSteps = (columns: readonly Pick<Column, "name" | "type">[]) => readonly Step[];

/** An engine's part of an explanation. */
export type EngineExplanation = Pick<Explanation, "sql" | "files" | "bytes" | "notes">;

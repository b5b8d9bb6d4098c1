import type { Client, Connection, Submittable } from "pg";

/** A column of a result, as PostgreSQL describes it. */
export interface PgField {
  readonly name: string;
  readonly tableID: number;
  readonly columnID: number;
  readonly dataTypeID: number;
  readonly dataTypeModifier: number;
}

export type PgRow = readonly (string | null)[];

export interface Fetched {
  readonly rows: PgRow[];
  /** Set when there are no more: the rows that the statement gave or changed. */
  readonly count: number | undefined;
}

/** A statement that is described and not run yet, or not to its end. */
export interface PgPortal {
  readonly fields: readonly PgField[];
  /** Runs the statement on, for up to `limit` rows. */
  fetch(limit: number): Promise<Fetched>;
  /** Ends the statement where it is. */
  close(): Promise<void>;
}

// What pg's connection takes and its published types do not say.
type Wire = Connection & {
  parse(message: { text: string }): void;
  bind(message: { values: readonly (string | null)[] }): void;
  describe(message: { type: "P"; name: string }): void;
  execute(message: { portal: string; rows: number }): void;
  close(message: { type: "P"; name: string }): void;
};

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

/**
 * Describes a statement without running it, then runs it in pieces. pg-cursor describes only by running, and metadata
 * has to be sent, or asked for alone, before.
 */
export async function openPortal(
  client: Client,
  text: string,
  values: readonly (string | null)[],
): Promise<PgPortal> {
  const portal = new Portal(text, values);
  const opened = portal.wait();
  client.query(portal);
  await opened;
  return portal;
}

class Portal implements Submittable, PgPortal {
  readonly #text: string;
  readonly #values: readonly (string | null)[];
  #wire: Wire | undefined;
  #waiting: Waiting | undefined;
  #rows: PgRow[] = [];
  #count: number | undefined;
  #ended = false;
  fields: readonly PgField[] = [];

  constructor(text: string, values: readonly (string | null)[]) {
    this.#text = text;
    this.#values = values;
  }

  wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  submit(connection: Connection): void {
    const wire = connection as Wire;
    this.#wire = wire;
    wire.parse({ text: this.#text });
    wire.bind({ values: this.#values });
    wire.describe({ type: "P", name: "" });
    wire.flush();
    // A statement without rows is described by this, which pg hands to nobody.
    wire.once("noData", this.#described);
    wire.once("rowDescription", this.#described);
  }

  async fetch(limit: number): Promise<Fetched> {
    this.#rows = [];
    if (!this.#ended) {
      const fetched = this.wait();
      this.#wire?.execute({ portal: "", rows: limit });
      this.#wire?.flush();
      await fetched;
    }
    return { rows: this.#rows, count: this.#ended ? (this.#count ?? 0) : undefined };
  }

  async close(): Promise<void> {
    if (this.#ended) return;
    const closed = this.wait();
    this.#ended = true;
    this.#wire?.close({ type: "P", name: "" });
    this.#wire?.sync();
    await closed;
  }

  readonly #described = (): void => {
    this.#wire?.off("noData", this.#described);
    this.#wire?.off("rowDescription", this.#described);
    this.#settle();
  };

  #settle(error?: Error): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (error) waiting?.reject(error);
    else waiting?.resolve();
  }

  handleRowDescription(message: { fields: PgField[] }): void {
    this.fields = message.fields;
  }

  handleDataRow(message: { fields: PgRow }): void {
    this.#rows.push(message.fields);
  }

  handlePortalSuspended(): void {
    this.#settle();
  }

  handleCommandComplete(message: { text: string }): void {
    this.#count = Number(/(\d+)$/.exec(message.text)?.[1] ?? 0);
    this.#ended = true;
    this.#wire?.sync();
  }

  handleEmptyQuery(): void {
    this.#ended = true;
    this.#wire?.sync();
  }

  handleReadyForQuery(): void {
    this.#settle();
  }

  handleError(error: Error, connection?: Connection): void {
    this.#wire?.off("noData", this.#described);
    this.#wire?.off("rowDescription", this.#described);
    if (connection && !this.#ended) (connection as Wire).sync();
    this.#ended = true;
    this.#settle(error);
  }
}

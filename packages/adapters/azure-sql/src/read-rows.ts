import { EventEmitter } from "node:events";
import process from "node:process";
import type { Connection } from "tedious";
import { createRowReader, type DriverCell, type RowReader } from "./row-reader.ts";
import type { ColumnMetadata } from "tedious/lib/token/colmetadata-token-parser.js";

/** What of the driver's inside is used here. */
interface Inside {
  readonly config: { readonly options: object };
  createTokenStreamParser?(message: AsyncIterable<Buffer>, handler: Handler): EventEmitter;
}

type Handler = Readonly<Record<string, (token: Token) => void>>;

export interface Token {
  readonly handlerName: string;
  readonly columns?: readonly DriverCell[];
}

export interface StreamParser {
  buffer: Buffer;
  position: number;
  colMetadata: readonly ColumnMetadata[];
  write(chunk: Buffer): void;
  read(): Token | undefined;
  readToken(): Token | undefined;
  end(): void;
}

/** The driver's parser of tokens, with rows of a reader of our own wherever it has one for the columns. */
export interface RowParsing {
  use(connection: Connection): void;
}

const ROW = 0xd1;
const SPARSE_ROW = 0xd2;

/**
 * Has the driver's connections read rows without an object for each cell. What it needs is the driver's inside, and where
 * that is not as it was, the driver reads its rows itself.
 */
export async function loadRowParsing(): Promise<RowParsing> {
  const inside = await Promise.all([
    import("tedious/lib/token/stream-parser.js"),
    import("tedious/lib/token/helpers.js"),
  ]).catch(() => undefined);
  const Parser = constructorOf(inside?.[0], "default");
  const NotEnough = constructorOf(inside?.[1], "NotEnoughDataError");
  if (
    Parser === undefined ||
    typeof Parser.prototype?.["readToken"] !== "function" ||
    NotEnough === undefined
  )
    return { use: () => undefined };
  const RowStreamParser = rowStreamParserOf(
    Parser as unknown as StreamParserClass,
    NotEnough as unknown as new (bytes: number) => object,
  );
  return {
    use(connection) {
      const own = connection as unknown as Inside;
      if (typeof own.createTokenStreamParser !== "function") return;
      own.createTokenStreamParser = (message, handler) =>
        new TokenStream(new RowStreamParser(own.config.options), message, handler);
    },
  };
}

export type StreamParserClass = new (options: object, columns?: readonly ColumnMetadata[]) => StreamParser;

/** The driver's parser, with rows of our own. */
export function rowStreamParserOf(
  Base: StreamParserClass,
  NotEnough: new (bytes: number) => object,
): StreamParserClass {
  return class extends Base {
    #columns: readonly ColumnMetadata[] | undefined;
    #reader: RowReader | undefined;
    #token: Token | undefined;

    override readToken(): Token | undefined {
      const kind = this.buffer[this.position];
      if (kind !== ROW && kind !== SPARSE_ROW) return super.readToken();
      if (this.#columns !== this.colMetadata) {
        this.#columns = this.colMetadata;
        this.#reader = createRowReader(this.colMetadata);
        this.#token = this.#reader && { handlerName: "onRow", columns: this.#reader.cells };
      }
      const end = this.#reader?.read(this.buffer, this.position + 1, kind === SPARSE_ROW) ?? 0;
      if (end === 0) return super.readToken();
      if (end < 0) throw new NotEnough(-end) as Error;
      this.position = end;
      return this.#token;
    }
  };
}

/** Reads a message's tokens to its handler, as the driver's own does. */
class TokenStream extends EventEmitter {
  #paused = false;
  #onResume: (() => void) | undefined;

  constructor(parser: StreamParser, message: AsyncIterable<Buffer>, handler: Handler) {
    super();
    this.#run(parser, message, handler).then(
      () => process.nextTick(() => this.emit("end")),
      (error: unknown) => process.nextTick(() => this.emit("error", error)),
    );
  }

  async #run(parser: StreamParser, message: AsyncIterable<Buffer>, handler: Handler): Promise<void> {
    // By hand: a loop would destroy the message, and with it the connection, when a token fails.
    const chunks = message[Symbol.asyncIterator]();
    for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) {
      parser.write(next.value);
      for (;;) {
        while (this.#paused) await new Promise<void>((resolve) => (this.#onResume = resolve));
        const token = parser.read();
        if (token === undefined) break;
        handler[token.handlerName]?.(token);
      }
    }
    parser.end();
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    const onResume = this.#onResume;
    this.#onResume = undefined;
    onResume?.();
  }
}

interface AnyConstructor {
  readonly prototype?: Readonly<Record<string, unknown>>;
}

/** Of a module that may be one of CommonJS. */
function constructorOf(module: unknown, name: string): AnyConstructor | undefined {
  const exported = module as Exports | undefined;
  const inner = exported?.["default"] as Exports | undefined;
  return [exported?.[name], inner?.[name], inner].find(isConstructor);
}

type Exports = Readonly<Record<string, unknown>>;

function isConstructor(value: unknown): value is AnyConstructor {
  return typeof value === "function";
}

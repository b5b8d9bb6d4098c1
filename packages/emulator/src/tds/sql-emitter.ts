import type { Token } from "./tokenizer.ts";

/** Gathers a translated statement, and remembers which line of the batch each part came from. */
export class SqlEmitter {
  #text = "";
  readonly #lines: (readonly [offset: number, line: number])[] = [];

  get text(): string {
    return this.#text;
  }

  emit(text: string, token?: Token): void {
    if (text === "") return;
    if (this.#text !== "" && !this.#text.endsWith(" ")) this.#text += " ";
    if (token) this.#lines.push([this.#text.length, token.line]);
    this.#text += text;
  }

  /** @param position - one-based, as PostgreSQL's errors have it. */
  lineAt(position: number): number | undefined {
    return this.#lines.findLast(([offset]) => offset < position)?.[1];
  }
}

/** Names are compared without case: all of them live in lower case. */
export function quoteName(name: string): string {
  return `"${name.toLowerCase().replaceAll('"', '""')}"`;
}

export function quoteString(text: string): string {
  return `'${text.replaceAll("\0", "").replaceAll("'", "''")}'`;
}

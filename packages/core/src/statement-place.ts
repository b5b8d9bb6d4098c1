/** A place in a statement, for people. */
export interface StatementPlace {
  /** From 1. */
  readonly line: number;
  /** From 1, in characters; absent where the server tells the line only. */
  readonly column?: number | undefined;
  /** `line 2, column 8`, then that line of the statement, and a caret below the place. */
  readonly shown: string;
}

const SHOWN = 100;

/** The place at an offset of a statement: from 0, in UTF-16 units. */
export function placeAt(text: string, offset: number): StatementPlace {
  const before = text.slice(0, offset).split("\n");
  const column = [...(before.at(-1) ?? "")].length + 1;
  return { line: before.length, column, shown: show(text, before.length, column) };
}

/** The place at a line of a statement, from 1. */
export function placeOfLine(text: string, line: number): StatementPlace {
  return { line, shown: show(text, line, undefined) };
}

function show(text: string, line: number, column: number | undefined): string {
  const characters = [...(text.split("\n")[line - 1] ?? "").replace(/\r$/, "").replaceAll("\t", " ")];
  const from = column === undefined ? 0 : Math.max(0, column - SHOWN / 2);
  const cut = characters.slice(from, from + SHOWN).join("");
  const place = column === undefined ? `line ${line}` : `line ${line}, column ${column}`;
  const caret = column === undefined ? "" : `\n  ${" ".repeat(column - 1 - from)}^`;
  return `${place}:\n  ${cut}${caret}`;
}

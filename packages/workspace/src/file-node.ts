import { AmlError } from "@aml/core";

/** A text file with keys and values, whatever its syntax, with places for messages. Every scalar is a text. */
export type FileNode = TextNode | MapNode | ListNode;

export interface TextNode {
  readonly kind: "text";
  readonly offset: number;
  readonly value: string;
}

export interface MapNode {
  readonly kind: "map";
  readonly offset: number;
  readonly entries: readonly MapEntry[];
}

export interface MapEntry {
  readonly key: string;
  /** Of the key. */
  readonly offset: number;
  readonly value: FileNode;
}

export interface ListNode {
  readonly kind: "list";
  readonly offset: number;
  readonly items: readonly FileNode[];
}

/** The file that nodes are of. */
export interface FileSource {
  readonly path: string;
  /** Both count from 1. */
  position(offset: number): { readonly line: number; readonly column: number };
}

/** Builds an error that points into a file. Values of the file have no place in it: any may be a secret. */
export function fileError(
  source: FileSource,
  offset: number,
  message: string,
  hint: string,
  more: { readonly code?: "config_invalid" | "parse_failed" | "unsupported"; readonly key?: string } = {},
): AmlError {
  const { line, column } = source.position(offset);
  return new AmlError(more.code ?? "config_invalid", `${source.path}:${line}:${column}: ${message}`, {
    hint,
    context: { path: source.path, line, column, ...(more.key !== undefined && { key: more.key }) },
  });
}

export function entryOf(map: MapNode, key: string): MapEntry | undefined {
  return map.entries.find((entry) => entry.key === key);
}

/** The text of a key, or `undefined` without that key. @throws `config_invalid` for a list or keys. */
export function textOf(map: MapNode, key: string, source: FileSource): string | undefined {
  const entry = entryOf(map, key);
  if (entry === undefined) return undefined;
  if (entry.value.kind === "text") return entry.value.value;
  throw fileError(source, entry.offset, `'${key}' must be a text.`, `Write one value after '${key}:'.`, {
    key,
  });
}

/** As `textOf`. @throws `config_invalid` when it is missing or empty. */
export function requiredText(map: MapNode, key: string, source: FileSource): string {
  const value = textOf(map, key, source);
  if (value !== undefined && value !== "") return value;
  throw fileError(
    source,
    entryOf(map, key)?.offset ?? map.offset,
    `the key '${key}' is ${value === undefined ? "missing" : "empty"}.`,
    `Add '${key}' with a value.`,
    { key },
  );
}

/** The keys below a key. @throws `config_invalid` for a text or a list. */
export function mapOf(map: MapNode, key: string, source: FileSource): MapNode | undefined {
  const entry = entryOf(map, key);
  if (entry === undefined) return undefined;
  if (entry.value.kind === "map") return entry.value;
  throw fileError(source, entry.offset, `'${key}' must hold keys.`, `Indent the keys of '${key}' below it.`, {
    key,
  });
}

/** @throws `config_invalid` at the first key that is not among the known ones. */
export function checkKeys(map: MapNode, known: readonly string[], source: FileSource): void {
  const stranger = map.entries.find(({ key }) => !known.includes(key));
  if (stranger === undefined) return;
  // A secret that slipped to the left of a colon is no word.
  const word = /^[A-Za-z_$][\w$-]{0,31}$/.test(stranger.key);
  throw fileError(
    source,
    stranger.offset,
    `unknown key${word ? ` '${stranger.key}'` : ""}.`,
    `Known keys are: ${known.join(", ")}.`,
    word ? { key: stranger.key } : {},
  );
}

/** The texts below a key, by key. */
export function textsOf(
  map: MapNode,
  key: string,
  source: FileSource,
): Readonly<Record<string, string>> | undefined {
  const found = mapOf(map, key, source);
  return found && Object.fromEntries(found.entries.map((e) => [e.key, textOf(found, e.key, source) ?? ""]));
}

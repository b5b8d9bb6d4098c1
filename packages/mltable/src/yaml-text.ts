import { AmlError } from "@aml/core";
import type { Pointer } from "@aml/core/plan";
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
  Scalar,
  type ScalarTag,
  visit,
} from "yaml";

/** The words that Python's YAML reads as booleans, so that a file means the same here as there. */
const bool: ScalarTag = {
  identify: (value) => typeof value === "boolean",
  default: true,
  tag: "tag:yaml.org,2002:bool",
  test: /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/,
  resolve: (word) => new Scalar(/^(yes|true|on)$/i.test(word)),
  stringify: ({ source, value }) => source ?? String(value),
};

const PARSE_OPTIONS = {
  version: "1.2",
  schema: "core",
  merge: true,
  stringKeys: true,
  customTags: (tags: readonly unknown[]) =>
    tags.map((tag) => ((tag as ScalarTag).tag === bool.tag ? bool : tag)) as ScalarTag[],
} as const;

const FLOAT = "tag:yaml.org,2002:float";

/**
 * As for reading; what older readers would not take for a text gets quotes, and 1e-7 a point, without which it would
 * be a text to Python's.
 */
export const WRITE_OPTIONS: Pick<typeof PARSE_OPTIONS, "version" | "schema" | "customTags"> & {
  readonly compat: "yaml-1.1";
} = {
  version: "1.2",
  schema: "core",
  compat: "yaml-1.1",
  customTags: (tags) =>
    PARSE_OPTIONS.customTags(tags).map((tag) => (tag.tag === FLOAT ? withPoint(tag) : tag)),
};

function withPoint(tag: ScalarTag): ScalarTag {
  const { stringify } = tag;
  if (stringify === undefined) return tag;
  return {
    ...tag,
    stringify: (...args) => stringify(...args).replace(/^([-+]?\d+)(e[-+])/i, "$1.0$2"),
  };
}

/** One line stays one line, so that what is written reads the same everywhere. */
export const LINE_OPTIONS: { readonly lineWidth: 0; readonly doubleQuotedMinMultiLineLength: number } = {
  lineWidth: 0,
  doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
};

/**
 * A value as nodes to write. Texts that Python's reader takes for something else, and texts of several lines, get
 * double quotes; the rest of quoting is the library's.
 */
export function toNodes(value: unknown): unknown {
  if (typeof value === "string") {
    if (!/[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\uFEFF]|^(=|<<|~)?$/u.test(value)) return value;
    return Object.assign(new Scalar(value), { type: Scalar.QUOTE_DOUBLE });
  }
  if (typeof value !== "object" || value === null || value instanceof Scalar) return value;
  if (Array.isArray(value)) return value.map(toNodes);
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  return new Map(entries.map(([key, item]) => [toNodes(key), toNodes(item)] as const));
}

/** Room for honest reuse; a chain of references that doubles at each step passes it at once. */
const MAX_ALIASES = 100;

export interface YamlText {
  readonly text: string;
  readonly document: Document.Parsed;
  readonly value: unknown;
  readonly lines: LineCounter;
}

export interface YamlFault {
  readonly offset: number;
  readonly message: string;
  readonly hint?: string | undefined;
}

/**
 * Reads one YAML document to plain values, and keeps the tree.
 *
 * @throws nothing: faults come back in a list, in the order of the text.
 */
export function readYaml(
  input: string,
): YamlText | { readonly faults: readonly YamlFault[]; readonly lines: LineCounter } {
  const text = input.replace(/^\uFEFF/, "");
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, { ...PARSE_OPTIONS, lineCounter: lines, prettyErrors: false });
    const found = [...document.errors, ...document.warnings];
    if (found.length === 0) return { text, document, lines, value: toValue(document) };
    const faults = found.map(({ pos, code, message }) => ({
      offset: pos[0],
      message: MESSAGES.find(([pattern]) => pattern.test(message))?.[1] ?? message,
      hint: hintOf(code, text, pos[0]),
    }));
    return { faults, lines };
  } catch (error) {
    return { faults: [thrownFault(error)], lines };
  }
}

/** The parser's own words where they say too little. It also reports its stumbles over broken text as they come. */
const MESSAGES: readonly (readonly [RegExp, string])[] = [
  [/multiple documents/, "A second YAML document begins here"],
  [/call stack/, "The YAML is nested too deeply"],
  [/^Cannot read properties|undefined is not|is not an object/, "The YAML ends too early or is not closed"],
  [/^Map keys must be unique/, "The key stands twice in its mapping"],
];

class TooManyAliases extends Error {
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

function toValue(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (error) {
    if (!(error instanceof ReferenceError)) throw error;
    let offset = 0;
    visit(document, {
      Alias(_, alias) {
        offset = alias.range?.[0] ?? 0;
        return visit.BREAK;
      },
    });
    throw new TooManyAliases(error.message, offset);
  }
}

function thrownFault(error: unknown): YamlFault {
  if (error instanceof TooManyAliases) {
    const hint = `Write values out: over ${MAX_ALIASES} references, or one without its anchor, are refused.`;
    return { offset: error.offset, message: error.message, hint };
  }
  // The parser runs out of stack on thousands of brackets.
  if (error instanceof RangeError) return { offset: 0, message: "The YAML is nested too deeply" };
  throw error;
}

function hintOf(code: string, text: string, offset: number): string | undefined {
  const line = text.slice(text.lastIndexOf("\n", offset - 1) + 1).split("\n", 1)[0] ?? "";
  if (code === "MULTIPLE_DOCS") return "Keep one document to a file.";
  if (code === "DUPLICATE_KEY") return "Keep one of the two; other readers take the last without a word.";
  if (code === "TAB_AS_INDENT" || /^ *\t/.test(line)) return "Indent with spaces, not tabs.";
  if (code === "TAG_RESOLVE_FAILED") return "Remove the tag (the word that begins with !).";
  if (/[:-] +[{*%@`!&]/.test(line)) return "Put a text that begins with a special character in quotes.";
  if (/:\s.*: /.test(line)) return 'Put a text that has ": " in it in quotes.';
  return undefined;
}

/** The node at a place, or the nearest above it; the key itself where `key` names one there. */
export function nodeAt(document: Document.Parsed, pointer: Pointer, key?: string): Node | null {
  let node: Node | null = document.contents;
  for (const step of pointer) {
    const next: Node | null = child(document, node, step);
    if (next === null) return node;
    node = next;
  }
  const map = target(document, node);
  if (key === undefined || !isMap<ParsedNode, ParsedNode>(map)) return node;
  return map.items.find((pair) => keyText(pair.key) === key)?.key ?? node;
}

function child(document: Document.Parsed, node: Node | null, step: string | number): Node | null {
  const parent = target(document, node);
  if (isSeq<ParsedNode>(parent)) return parent.items[Number(step)] ?? null;
  if (!isMap<ParsedNode, ParsedNode | null>(parent)) return null;
  const pair = parent.items.find((each) => keyText(each.key) === String(step));
  return pair?.value ?? pair?.key ?? null;
}

function target(document: Document.Parsed, node: Node | null): Node | null {
  return isAlias(node) ? (node.resolve(document) ?? null) : node;
}

export function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

/** Line and column of an offset, both from 1. */
export function positionOf(
  lines: LineCounter,
  offset: number,
): { readonly line: number; readonly column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

/** An independent, plain, frozen copy of free-form values. */
export function plainCopy(value: unknown, depth = 0): unknown {
  if (depth > 100) {
    throw new AmlError("plan_invalid", "The values are nested over 100 levels deep, or hold themselves");
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return Object.freeze(value.map((item) => plainCopy(item, depth + 1)));
  if (Object.getPrototypeOf(value) !== Object.prototype) {
    throw new AmlError("plan_invalid", "A value with a tag, such as !!binary, has no plain form");
  }
  const entries = Object.entries(value).map(([key, item]) => [key, plainCopy(item, depth + 1)] as const);
  return Object.freeze(Object.fromEntries(entries));
}

import { AmlError, type PathSpec, type Step } from "@aml/core";
import { formatStep } from "./format-mltable.ts";
import { Document, isMap, isSeq, type Pair, type ParsedNode, YAMLMap, YAMLSeq } from "yaml";
import type { Traits } from "./mltable.ts";
import { parseMLTable, readMLTable } from "./parse-mltable.ts";
import { keyText, LINE_OPTIONS, toNodes, WRITE_OPTIONS, readYaml, type YamlText } from "./yaml-text.ts";

/** What to change. What is absent stays as it is; traits and metadata are replaced as a whole, null removes them. */
export interface MLTableEdit {
  readonly paths?: readonly PathSpec[];
  readonly transformations?: readonly Step[];
  readonly traits?: Traits | null;
  readonly metadata?: Readonly<Record<string, unknown>> | null;
}

const SECTIONS = ["paths", "transformations", "traits", "metadata"] as const;
type Section = (typeof SECTIONS)[number];

/**
 * Changes an MLTable's text. Sections that do not change keep every byte; in a section that does, the items that
 * stay keep their comments and their spelling.
 *
 * @throws as `parseMLTable`, for the text and for the result; `plan_invalid` when an anchor would go whose reference
 * stays.
 */
export function editMLTable(text: string, edit: MLTableEdit): string {
  let out = text.replace(/^\uFEFF/, "");
  for (const section of SECTIONS) {
    const value = edit[section];
    if (value !== undefined) out = editSection(out, section, value);
  }
  parseMLTable(out);
  return text.startsWith("\uFEFF") ? `\uFEFF${out}` : out;
}

function editSection(text: string, section: Section, value: unknown): string {
  const { table, yaml } = readMLTable(text);
  const before = table[section];
  const after = value === null ? {} : value;
  if (JSON.stringify(before) === JSON.stringify(after)) return text;
  const root = yaml.document.contents as unknown as YAMLMap<ParsedNode, ParsedNode | null>;
  const at = root.items.findIndex((pair) => keyText(pair.key) === section);
  const pair = root.items[at];
  const node = Array.isArray(after)
    ? listNode(section, after, before as readonly unknown[], pair?.value)
    : mapNode(after as object, before, pair?.value);
  const written = node.items.length === 0 ? "" : sectionText(section, node, text);
  const end = text === "" || text.endsWith("\n") ? text : `${text}\n`;
  const spliced = pair === undefined ? end + written : replacePair(yaml, pair, root.items[at + 1], written);
  return saysTheSame(yaml, spliced, section) ? spliced : rewrite(yaml, root, section, node);
}

/** Whether all other sections still read as they did: not so in braces, below a marker, or without an anchor. */
function saysTheSame(before: YamlText, text: string, section: Section): boolean {
  const after = readYaml(text);
  const others = (value: unknown): string => JSON.stringify({ ...(value as object), [section]: 0 });
  return "value" in after && others(before.value) === others(after.value);
}

/** The whole text anew, with all comments, where lines cannot be left alone. */
function rewrite(
  { document }: YamlText,
  root: YAMLMap<ParsedNode, ParsedNode | null>,
  section: Section,
  node: YAMLSeq | YAMLMap,
): string {
  if (node.items.length === 0) root.delete(section);
  else root.set(section as unknown as ParsedNode, node as unknown as ParsedNode);
  try {
    return document.toString(LINE_OPTIONS);
  } catch (error) {
    throw new AmlError(
      "plan_invalid",
      `${section} has an anchor (&name) that is referred to from elsewhere`,
      {
        hint: "Write the values out in place of the reference first.",
        cause: error,
      },
    );
  }
}

/** Old items that come again, in the same order, keep their nodes and so their comments. */
function listNode(
  section: Section,
  after: readonly unknown[],
  before: readonly unknown[],
  old: ParsedNode | null | undefined,
): YAMLSeq {
  const seq = new YAMLSeq();
  const nodes = isSeq<ParsedNode>(old) ? old.items : [];
  const texts = before.map((item) => JSON.stringify(item));
  let from = 0;
  for (const item of after) {
    const found = texts.indexOf(JSON.stringify(item), from);
    const kept = found < 0 ? undefined : nodes[found];
    if (kept) from = found + 1;
    const step = section === "transformations" ? (item as Step) : undefined;
    const at = seq.items.length;
    const comesAgain = after.slice(at).some((other) => JSON.stringify(other) === texts[at]);
    const changed = comesAgain ? undefined : nodes[at];
    seq.items.push(
      kept ??
        (step && changed && changedStep(step, before[at] as Step, changed)) ??
        freshNode(step ? formatStep(step) : item),
    );
  }
  copyComments(old, seq);
  return seq;
}

/** The node of a step at the same place, with the options that are others now; undefined for another step. */
function changedStep(step: Step, before: Step, old: ParsedNode): ParsedNode | undefined {
  const options = isMap<ParsedNode, ParsedNode>(old) ? old.items[0]?.value : undefined;
  const formatted = formatStep(step)[step.op];
  if (before.op !== step.op || !isMap<ParsedNode, ParsedNode>(options) || !isPlainMap(formatted))
    return undefined;
  // What is merged in from elsewhere is not to be changed here.
  if (options.items.some(({ key }) => keyText(key) === "<<")) return undefined;
  const [now, then] = [step, before] as unknown as readonly [PlainMap, PlainMap];
  for (const key of new Set([...Object.keys(now), ...Object.keys(then)])) {
    if (key === "op" || JSON.stringify(now[key]) === JSON.stringify(then[key])) continue;
    if (now[key] === undefined) options.delete(key);
    else options.set(key as never, freshNode(formatted[key]) as never);
  }
  return old;
}

type PlainMap = Readonly<Record<string, unknown>>;

const isPlainMap = (value: unknown): value is PlainMap =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function mapNode(after: object, before: object, old: ParsedNode | null | undefined): YAMLMap {
  const map = new YAMLMap();
  const pairs = isMap<ParsedNode, ParsedNode>(old) ? old.items : [];
  for (const [key, value] of Object.entries(after)) {
    const kept = pairs.find((pair) => keyText(pair.key) === key);
    const same = JSON.stringify((before as Record<string, unknown>)[key]) === JSON.stringify(value);
    if (kept && same) map.items.push(kept);
    else map.set(kept?.key ?? key, freshNode(value));
  }
  copyComments(old, map);
  return map;
}

function copyComments(from: ParsedNode | null | undefined, to: YAMLSeq | YAMLMap): void {
  if (from?.commentBefore) to.commentBefore = from.commentBefore;
  if (from?.comment) to.comment = from.comment;
}

function freshNode(value: unknown): unknown {
  return new Document(undefined, WRITE_OPTIONS).createNode(toNodes(value), { aliasDuplicateObjects: false });
}

function sectionText(section: Section, node: YAMLSeq | YAMLMap, text: string): string {
  const document = new Document(undefined, { ...WRITE_OPTIONS, aliasDuplicateObjects: false });
  const root = new YAMLMap();
  root.set(section, node);
  document.contents = root as never;
  // As the rest of the file has it: dashes below their key, or indented.
  return document.toString({
    ...LINE_OPTIONS,
    indentSeq: !/^\w+:[^\n]*\n(?:[ \t]*#[^\n]*\n)*- /m.test(text),
  });
}

function replacePair(
  { text }: YamlText,
  pair: Pair<ParsedNode, ParsedNode | null>,
  next: Pair<ParsedNode, ParsedNode | null> | undefined,
  written: string,
): string {
  const start = pair.key.range[0];
  const limit = next?.key.range[0] ?? text.length;
  // Comments after the section belong to what comes next.
  const end = Math.min(pair.value?.range[1] ?? pair.key.range[1], limit);
  const lineEnd = text.indexOf("\n", Math.max(end - 1, start));
  const rest = lineEnd < 0 ? text.length : lineEnd + 1;
  return text.slice(0, start) + written + text.slice(Math.min(rest, limit));
}

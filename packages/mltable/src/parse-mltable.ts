import { AmlError, type PathSpec, type Step } from "@aml/core";
import { checkSteps, type PlanIssue, pointerText, type Report } from "@aml/core/plan";
import { isScalar } from "yaml";
import { closest } from "./closest.ts";
import type { MLTable, Traits } from "./mltable.ts";
import { readTransformation } from "./read-transformation.ts";
import { nodeAt, plainCopy, positionOf, readYaml, type YamlText } from "./yaml-text.ts";

export interface ParseMLTableOptions {
  /** Where the text came from, for `context.uri` of errors. */
  readonly uri?: string;
}

/** One fault of an MLTable, as `context.errors` lists them. */
export interface MLTableFault {
  readonly code: "parse_failed" | "plan_invalid";
  /** From 1. */
  readonly line: number;
  /** From 1, in UTF-16 units. */
  readonly column: number;
  /** The place in the recipe, such as `transformations[2].take`; empty for the whole. */
  readonly path: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

const ROOT_KEYS = ["$schema", "type", "paths", "transformations", "traits", "metadata"];
const PATH_KEYS = ["file", "folder", "pattern"];

/**
 * Reads the text of an `MLTable` file and checks all of it. No data is read.
 *
 * Booleans may be written as Python's YAML knows them (`yes`, `off`), all else is YAML 1.2.
 *
 * @throws `parse_failed` for what is no YAML, `plan_invalid` for what is no MLTable, with line and column; the first
 * fault of the text is thrown and `context.errors` lists all (`MLTableFault`). `unsupported` for a table over a SQL
 * query (`query_source`).
 * @see https://learn.microsoft.com/azure/machine-learning/reference-yaml-mltable – the format, read 2026-11
 */
export function parseMLTable(text: string, options: ParseMLTableOptions = {}): MLTable {
  return readMLTable(text, options).table;
}

/** As `parseMLTable`, with the YAML tree. */
export function readMLTable(
  text: string,
  { uri }: ParseMLTableOptions = {},
): { readonly table: MLTable; readonly yaml: YamlText } {
  const yaml = readYaml(text);
  if ("faults" in yaml) {
    const { faults, lines } = yaml;
    const found = faults.map(({ offset, message, hint }): MLTableFault => {
      const at = positionOf(lines, offset);
      return {
        code: "parse_failed",
        ...at,
        path: "",
        message: `MLTable:${at.line}:${at.column} ${message}`,
        hint,
      };
    });
    throw faultError(found, uri);
  }
  const issues: PlanIssue[] = [];
  const table = readRoot(yaml.value, (issue) => issues.push(issue), uri);
  if (table === undefined || issues.length > 0) {
    throw faultError(
      issues.map((issue) => locate(yaml, issue)),
      uri,
    );
  }
  return { table, yaml };
}

function readRoot(root: unknown, report: Report, uri: string | undefined): MLTable | undefined {
  if (!isMapping(root)) {
    const message = root === null ? "is empty" : "must be a mapping with paths";
    const hint = "Begin with paths:, a list such as [{ file: ./data.csv }].";
    report({ pointer: [], message, hint });
    return undefined;
  }
  if (Object.hasOwn(root, "query_source")) {
    throw new AmlError(
      "unsupported",
      "The MLTable reads a SQL query (query_source), a form that has no public definition",
      {
        hint: "Make a dataset from the query and a datastore instead.",
        context: { ...(uri !== undefined && { uri }) },
      },
    );
  }
  for (const key of Object.keys(root)) {
    if (!ROOT_KEYS.includes(key))
      report({ pointer: [], key, known: ROOT_KEYS, message: `has no key ${JSON.stringify(key)}` });
  }
  const { type = "mltable", $schema = "" } = root;
  if (type !== "mltable") {
    report({
      pointer: ["type"],
      message: `must be mltable, not ${JSON.stringify(type)}`,
      hint: "Write type: mltable.",
    });
  }
  if (typeof $schema !== "string") report({ pointer: ["$schema"], message: "must be a string" });
  const paths = readPaths(root["paths"], report);
  const transformations = readList(root, "transformations", report).map((item, index) =>
    readTransformation(item, ["transformations", index], report),
  );
  const traits = readTraits(root, report);
  const metadata = readMapping(root, "metadata", report);
  // A step that was refused makes whatever is said about the others doubtful.
  if (paths && transformations.every((step) => step !== undefined)) {
    checkSteps(transformations, paths, (issue) =>
      report({ ...issue, pointer: ["transformations", ...issue.pointer] }),
    );
  }
  return Object.freeze({
    paths: paths ?? [],
    transformations: Object.freeze(transformations as Step[]),
    traits,
    metadata,
  });
}

function readPaths(value: unknown, report: Report): readonly PathSpec[] | undefined {
  if (value === undefined) {
    report({
      pointer: [],
      message: "needs paths",
      hint: "Add paths:, a list such as [{ file: ./data.csv }].",
    });
    return undefined;
  }
  if (!Array.isArray(value) || value.length === 0) {
    report({
      pointer: ["paths"],
      message: Array.isArray(value) ? "is an empty list" : "must be a list",
      hint: 'Write each on its own line, such as "- file: ./data.csv".',
    });
    return undefined;
  }
  let failed = false;
  const paths = value.map((entry: unknown, index) => {
    const issue = pathIssue(entry);
    if (!issue) return Object.freeze({ ...(entry as PathSpec) });
    failed = true;
    report({ ...issue, pointer: ["paths", index, ...issue.pointer] });
    return undefined;
  });
  return failed ? undefined : Object.freeze(paths as PathSpec[]);
}

function pathIssue(entry: unknown): PlanIssue | undefined {
  if (typeof entry === "string") {
    const hint = `Write "- file: ${entry}", or folder or pattern instead of file.`;
    return { pointer: [], message: "must be a mapping with file, folder or pattern, not a text", hint };
  }
  const keys = isMapping(entry) ? Object.keys(entry) : [];
  const [key] = keys;
  const unknown = keys.find((each) => !PATH_KEYS.includes(each));
  if (unknown !== undefined) {
    return { pointer: [], key: unknown, known: PATH_KEYS, message: `has no key ${JSON.stringify(unknown)}` };
  }
  if (key === undefined || keys.length > 1) {
    const hint = "Begin each path with its own dash.";
    return { pointer: [], message: "must have exactly one of file, folder, pattern", hint };
  }
  const path = (entry as Record<string, unknown>)[key];
  if (typeof path === "string" && path !== "" && !path.includes("\0")) return undefined;
  return { pointer: [key], message: "must be a string that is not empty" };
}

function readTraits(root: Readonly<Record<string, unknown>>, report: Report): Traits {
  const traits = readMapping(root, "traits", report);
  const { timestamp_column: timestamp, index_columns: index } = traits;
  if (timestamp !== undefined && typeof timestamp !== "string") {
    report({ pointer: ["traits", "timestamp_column"], message: "must be a string" });
  }
  if (index !== undefined && !Array.isArray(index)) {
    report({ pointer: ["traits", "index_columns"], message: "must be a list of strings" });
  } else {
    for (const [at, column] of (index ?? []).entries()) {
      if (typeof column !== "string")
        report({ pointer: ["traits", "index_columns", at], message: "must be a string" });
    }
  }
  return traits;
}

function readList(root: Readonly<Record<string, unknown>>, key: string, report: Report): readonly unknown[] {
  const value = root[key] === undefined ? [] : root[key];
  if (Array.isArray(value)) return value;
  report({ pointer: [key], message: "must be a list", hint: `Give ${key} a list, or remove the key.` });
  return [];
}

function readMapping(
  root: Readonly<Record<string, unknown>>,
  key: string,
  report: Report,
): Readonly<Record<string, unknown>> {
  const value = root[key] === undefined ? {} : root[key];
  if (!isMapping(value)) {
    report({
      pointer: [key],
      message: "must be a mapping",
      hint: `Give ${key} a mapping, or remove the key.`,
    });
    return {};
  }
  try {
    return plainCopy(value) as Readonly<Record<string, unknown>>;
  } catch (error) {
    report({ pointer: [key], message: `is wrong: ${(error as Error).message}` });
    return {};
  }
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function locate(yaml: YamlText, issue: PlanIssue): MLTableFault {
  const node = nodeAt(yaml.document, issue.pointer, issue.key);
  const start = node?.range?.[0] ?? 0;
  const inside = (issue as { readonly position?: number }).position ?? 0;
  // Within a text only where it stands as it is: on one line, without escapes.
  const written = isScalar(node) && typeof node.value === "string" ? node.value : "";
  const lead = [0, 1].find((skip) => written !== "" && yaml.text.startsWith(written, start + skip));
  const at = positionOf(yaml.lines, start + (lead === undefined ? 0 : inside === 0 ? 0 : lead + inside));
  const path = pointerText(issue.pointer);
  const subject = path === "" ? "The file" : path;
  return {
    code: "plan_invalid",
    ...at,
    path,
    message: `MLTable:${at.line}:${at.column} ${subject} ${issue.message}`,
    hint: issue.hint ?? quotingHint(issue, node) ?? knownHint(issue),
  };
}

function knownHint({ key, known }: PlanIssue): string | undefined {
  if (known === undefined) return undefined;
  const near = closest(key ?? "", known);
  return near === undefined ? `Known are: ${known.join(", ")}.` : `Did you mean ${near}?`;
}

/** YAML's own traps: `yes` and `1` are no texts, "true" is no boolean. */
function quotingHint({ message }: PlanIssue, node: unknown): string | undefined {
  if (!isScalar(node)) return undefined;
  const { value, type, source } = node;
  if (
    type === "PLAIN" &&
    typeof value !== "string" &&
    value !== null &&
    /a string|a list|one of/.test(message)
  ) {
    return `YAML reads ${source} as a ${typeof value}: write "${source}" in quotes.`;
  }
  const bare = typeof value === "string" && type !== "PLAIN" && /true or false|integer|number/.test(message);
  return bare ? "Remove the quotes." : undefined;
}

function faultError(faults: readonly MLTableFault[], uri: string | undefined): AmlError {
  // Where brackets are not closed, each of them has the same to say.
  const once = [...new Map(faults.map((fault) => [fault.message, fault])).values()];
  const errors = once.sort((a, b) => a.line - b.line || a.column - b.column);
  const { code, message, hint, line, column, path } = errors[0] as MLTableFault;
  return new AmlError(code, message, {
    hint: hint ?? "Correct the file at this line and column.",
    context: { ...(uri !== undefined && { uri }), line, column, path, errors },
  });
}

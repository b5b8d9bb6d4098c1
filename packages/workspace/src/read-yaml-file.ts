import { AmlError } from "@aml/core";
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Document,
  type ParsedNode,
} from "yaml";
import { fileError, type FileNode, type FileSource, type MapEntry } from "./file-node.ts";

/** A file's documents and where they are. */
export interface ReadFile {
  readonly source: FileSource;
  readonly documents: readonly FileNode[];
}

/**
 * Reads YAML of one or several documents; every scalar stays the text that it is.
 *
 * @throws `parse_failed` with line and column, without quoting the line: there may be a secret on it.
 */
export function readYamlFile(text: string, path: string): ReadFile {
  const lines = new LineCounter();
  const source: FileSource = {
    path,
    position(offset) {
      const { line, col } = lines.linePos(offset);
      return { line, column: col };
    },
  };
  // The failsafe schema has no numbers, booleans or nulls.
  const parsed = parseAllDocuments(text, { schema: "failsafe", lineCounter: lines, uniqueKeys: true });
  const documents = Array.isArray(parsed) ? (parsed as Document.Parsed[]) : [];
  for (const { errors } of documents) {
    const broken = errors[0];
    if (broken === undefined) continue;
    const reason = broken.message.split("\n")[0]?.replace(/ at line \d+, column \d+:?$/, "") ?? "";
    throw fileError(source, broken.pos[0], reason, "Correct the YAML at this line and column.", {
      code: "parse_failed",
    });
  }
  return {
    source,
    documents: documents.flatMap(({ contents }) => (contents === null ? [] : [nodeOf(contents, source)])),
  };
}

function nodeOf(node: ParsedNode | null, source: FileSource): FileNode {
  const offset = node?.range[0] ?? 0;
  if (node === null) return { kind: "text", offset, value: "" };
  if (isMap(node)) {
    return {
      kind: "map",
      offset,
      entries: node.items.map(({ key, value }): MapEntry => ({
        key: isScalar(key) ? String(key.value) : "",
        offset: key.range[0],
        value: nodeOf(value, source),
      })),
    };
  }
  if (isSeq(node)) {
    return { kind: "list", offset, items: node.items.map((item) => nodeOf(item, source)) };
  }
  if (isAlias(node)) {
    const { line, column } = source.position(offset);
    throw new AmlError("config_invalid", `${source.path}:${line}:${column}: references are not read here.`, {
      hint: "Write the value itself.",
      context: { path: source.path, line, column },
    });
  }
  return { kind: "text", offset, value: String(node.value) };
}

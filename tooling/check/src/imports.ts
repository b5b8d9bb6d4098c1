import { parseSync, Visitor } from "oxc-parser";

export interface Import {
  /** The module's name as written; absent where an expression computes it. */
  readonly specifier: string | undefined;
  readonly line: number;
}

interface Node {
  readonly start: number;
  readonly source: unknown;
}

/**
 * Every module that a TypeScript source names: imports, re-exports, `import()` and `import("…").Type`.
 *
 * @throws an `Error` when the source cannot be parsed.
 */
export function importsOf(file: string, source: string): readonly Import[] {
  const { program, errors } = parseSync(file, source);
  const [broken] = errors;
  if (broken) throw new Error(`${file} cannot be parsed: ${broken.message}`);
  const found: Import[] = [];
  const add = ({ start, source: request }: Node): void => {
    if (request === null || request === undefined) return;
    const { value } = request as { value?: unknown };
    const line = source.slice(0, start).split("\n").length;
    found.push({ specifier: typeof value === "string" ? value : undefined, line });
  };
  new Visitor({
    ImportDeclaration: add,
    ExportNamedDeclaration: add,
    ExportAllDeclaration: add,
    ImportExpression: add,
    TSImportType: add,
  }).visit(program);
  return found;
}

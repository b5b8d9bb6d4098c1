import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { output } from "./commands.ts";
import { workspacePackages } from "./workspace-packages.ts";

interface Example {
  /** `packages/core/README.md:12` */
  readonly place: string;
  readonly code: string;
}

/**
 * The TypeScript examples of a Markdown page. Each ```` ```ts ```` block is a module of its own;
 * ```` ```ts continued ```` goes on with the one before it.
 */
export function examplesIn(file: string, text: string): readonly Example[] {
  const found: { place: string; code: string }[] = [];
  for (const match of text.matchAll(/^```ts([^\n]*)\n(.*?)^```$/gms)) {
    const [, flags = "", code = ""] = match;
    const last = found.at(-1);
    if (flags.trim() === "continued" && last) last.code += code;
    else found.push({ place: `${file}:${text.slice(0, match.index).split("\n").length}`, code });
  }
  return found;
}

/** Compiles every TypeScript example of the READMEs and docs against the sources. */
export async function checkExamples(root: string): Promise<readonly string[]> {
  const pages = globSync(
    ["README.md", "docs/**/*.md", "packages/{*,adapters/*}/README.md", "apps/*/README.md"],
    {
      cwd: root,
    },
  ).toSorted();
  const examples = pages.flatMap((page) => examplesIn(page, readFileSync(join(root, page), "utf8")));
  console.log(`${examples.length} examples on ${pages.length} pages`);
  if (!examples.length) return ["saw no example"];
  const folder = join(root, ".toolchain", "examples");
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const files = examples.map(({ code }, index) => {
    writeFileSync(join(folder, `${index}.ts`), `${code}\nexport {};\n`);
    return `${index}.ts`;
  });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config(root, files)));
  try {
    await output("tsc", ["-p", folder, "--pretty", "false"], root);
    return [];
  } catch (error) {
    // The sources behind the examples are checked in their own packages, under their own settings.
    const errors = [...String(error).matchAll(/^\.toolchain\/examples\/(\d+)\.ts\((\d+),\d+\): (.*)$/gm)];
    if (!errors.length && !/error TS/.test(String(error))) throw error;
    return errors.map(
      ([, index, row, said]) => `${examples[Number(index)]?.place} (its line ${row}): ${said}`,
    );
  }
}

/** A page may use any package of the repository, and whatever those depend on. */
function config(root: string, files: readonly string[]): object {
  const paths: Record<string, string[]> = {};
  for (const { folder, kind, manifest } of workspacePackages(root)) {
    for (const name of Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })) {
      if (!name.startsWith("@aml/")) paths[name] ??= [join(root, folder, "node_modules", name)];
    }
    for (const [entry, target] of Object.entries(kind === "package" ? (manifest.exports ?? {}) : {})) {
      const source = (target as { readonly "@aml/source"?: string })["@aml/source"];
      if (source) paths[manifest.name + entry.slice(1)] = [join(root, folder, source)];
    }
  }
  return {
    extends: join(root, "tsconfig.base.json"),
    compilerOptions: {
      types: ["node"],
      lib: ["ES2023", "ESNext.Disposable", "DOM", "DOM.Iterable", "DOM.AsyncIterable"],
      typeRoots: [join(root, "node_modules", "@types")],
      isolatedDeclarations: false,
      declaration: false,
      declarationMap: false,
      paths,
    },
    files,
  };
}

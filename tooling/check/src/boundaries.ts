import { globSync, readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { join, posix } from "node:path";
import { importsOf, type Import } from "./imports.ts";
import type { Layer, Layers } from "./layers.ts";
import { workspacePackages, type Manifest, type WorkspacePackage } from "./workspace-packages.ts";

export interface BoundaryReport {
  readonly modules: number;
  readonly imports: number;
  /** One line each: where, and what is wrong there. */
  readonly violations: readonly string[];
}

/**
 * Holds every import in the tree to `layers` and to the package.json it stands under.
 *
 * @param minimum - fewer modules than this is a failure by itself: a check that sees nothing passes everything.
 */
export function checkBoundaries(root: string, layers: Layers, minimum: number): BoundaryReport {
  const packages = workspacePackages(root);
  const byName = new Map(packages.map((one) => [one.manifest.name, one]));
  const violations = [...unlisted(packages, layers)];
  let modules = 0;
  let imports = 0;
  for (const one of packages) {
    const files = globSync(`${one.folder}/**/*.{ts,mts,js,mjs}`, {
      cwd: root,
      exclude: (path) => /(^|[\\/])(node_modules|dist)$/.test(path),
    });
    if (one.kind === "package" && !files.some((file) => inSources(one, file))) {
      violations.push(`${one.folder}: no module in src/`);
    }
    for (const file of files.map((path) => path.replaceAll("\\", "/")).toSorted()) {
      modules++;
      for (const found of importsOf(file, readFileSync(join(root, file), "utf8"))) {
        imports++;
        const problem = judge(found, { file, one, layer: layers[one.manifest.name], byName });
        if (problem) violations.push(`${file}:${found.line}: ${problem}`);
      }
    }
  }
  if (modules < minimum) violations.push(`saw ${modules} modules, and there are at least ${minimum}`);
  return { modules, imports, violations };
}

function* unlisted(packages: readonly WorkspacePackage[], layers: Layers): Iterable<string> {
  const published = packages.filter(({ kind }) => kind === "package").map(({ manifest }) => manifest.name);
  for (const name of published) if (!layers[name]) yield `${name} is not in the table of layers`;
  for (const name of Object.keys(layers)) {
    if (!published.includes(name)) yield `${name} is in the table of layers and nowhere else`;
  }
}

interface Place {
  readonly file: string;
  readonly one: WorkspacePackage;
  readonly layer: Layer | undefined;
  readonly byName: ReadonlyMap<string, WorkspacePackage>;
}

function inSources({ folder }: WorkspacePackage, file: string): boolean {
  return file.replaceAll("\\", "/").startsWith(`${folder}/src/`);
}

/** What is wrong with one import, or undefined. */
function judge({ specifier }: Import, place: Place): string | undefined {
  const { file, one, layer } = place;
  const strict = one.kind === "package" && inSources(one, file);
  if (specifier === undefined) {
    return strict && !layer?.computed ? "imports a module whose name is computed" : undefined;
  }
  if (specifier.startsWith(".")) return judgeRelative(specifier, place);
  if (isBuiltin(specifier)) {
    if (strict && layer?.anywhere) return `imports ${specifier}, and ${one.manifest.name} runs anywhere`;
    return specifier.startsWith("node:") ? undefined : `imports ${specifier} without its "node:"`;
  }
  const [name, entry] = split(specifier);
  if (name !== one.manifest.name && !declared(one.manifest, name, strict)) {
    return `imports ${name}, which ${one.folder}/package.json does not declare${strict ? " for its users" : ""}`;
  }
  const target = place.byName.get(name);
  return target ? judgeNeighbour({ name, entry, target, strict }, place) : undefined;
}

function judgeRelative(specifier: string, { file, one }: Place): string | undefined {
  const target = posix.join(posix.dirname(file), specifier);
  const strict = one.kind === "package" && inSources(one, file);
  if (!target.startsWith(`${one.folder}/`)) {
    // Tests of several packages may share cases that are no package's business to publish.
    const shared = !strict && /^packages\/(?:adapters\/)?[^/]+\/test\//.test(target);
    return shared ? undefined : `leaves its package: ${specifier}`;
  }
  return strict && !inSources(one, target) ? `sources import from outside src/: ${specifier}` : undefined;
}

interface Neighbour {
  readonly name: string;
  readonly entry: string;
  readonly target: WorkspacePackage;
  readonly strict: boolean;
}

function judgeNeighbour(
  { name, entry, target, strict }: Neighbour,
  { one, layer }: Place,
): string | undefined {
  if (target.kind === "app" && target !== one) return `imports ${name}: nothing imports an app`;
  if (!Object.hasOwn(target.manifest.exports ?? {}, entry))
    return `imports ${name}'s inside: it exports no ${entry}`;
  if (strict && target !== one && !layer?.imports.includes(name)) return `may not import ${name}`;
  return undefined;
}

/** `@aml/core/memory` → `@aml/core` and `./memory`. */
function split(specifier: string): readonly [name: string, entry: string] {
  const parts = specifier.split("/");
  const length = specifier.startsWith("@") ? 2 : 1;
  return [parts.slice(0, length).join("/"), [".", ...parts.slice(length)].join("/")];
}

function declared(manifest: Manifest, name: string, strict: boolean): boolean {
  const { dependencies, peerDependencies, optionalDependencies, devDependencies } = manifest;
  const lists = [dependencies, peerDependencies, optionalDependencies, ...(strict ? [] : [devDependencies])];
  return lists.some((list) => list && Object.hasOwn(list, name));
}

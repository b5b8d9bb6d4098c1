import { existsSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { LAYERS } from "./layers.ts";
import type { Manifest, WorkspacePackage } from "./workspace-packages.ts";

/** Every published package has one shape; this is what one of them lacks of it. */
export function checkShape(root: string, one: WorkspacePackage): readonly string[] {
  const { folder, manifest } = one;
  const engine = (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest).engines;
  const expected: readonly (readonly [field: string, actual: unknown, wanted: unknown])[] = [
    ["name", manifest.name, `@aml/${posix.basename(folder)}`],
    ["license", manifest.license, "Apache-2.0"],
    ["type", manifest.type, "module"],
    ["sideEffects", manifest.sideEffects, false],
    ["files", manifest.files, ["dist", "src", "!**/*.tsbuildinfo"]],
    ["engines", manifest.engines, engine],
    ["publishConfig.access", manifest.publishConfig?.access, "public"],
    ["publishConfig.exports", manifest.publishConfig?.exports, withoutSources(manifest.exports)],
  ];
  return [
    ...expected
      .filter(([, actual, wanted]) => !isDeepStrictEqual(actual, wanted))
      .map(
        ([field, actual, wanted]) => `${field} is ${JSON.stringify(actual)}, not ${JSON.stringify(wanted)}`,
      ),
    ...(manifest.description ? [] : ["no description"]),
    ...(manifest.exports?.["./package.json"] ? [] : ["exports lack ./package.json"]),
    ...(/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(manifest.version) ? [] : [`version ${manifest.version}`]),
    ...checkDependencies(one),
    ...checkFiles(root, one),
  ];
}

/** What is published has no path into src/. */
function withoutSources(exports: Manifest["exports"]): unknown {
  return JSON.parse(
    JSON.stringify(exports ?? {}, (key, value: unknown) => (key === "@aml/source" ? undefined : value)),
  );
}

function* checkDependencies({ folder, manifest }: WorkspacePackage): Iterable<string> {
  const { name, dependencies = {}, optionalDependencies = {}, peerDependencies = {} } = manifest;
  const all = Object.keys({ ...dependencies, ...optionalDependencies });
  if (name === "@aml/core") {
    for (const dependency of [...all, ...Object.keys(peerDependencies)])
      yield `core depends on ${dependency}`;
    return;
  }
  const alone = LAYERS[name]?.imports.length === 0;
  if (!alone && !peerDependencies["@aml/core"] && !dependencies["@aml/core"]) yield "does not name @aml/core";
  const foreign = all.filter((dependency) => !dependency.startsWith("@aml/"));
  if (folder.startsWith("packages/adapters/")) {
    if (!peerDependencies["@aml/core"]) yield "@aml/core is not a peer: a program needs one copy of it";
    // A vendor may have its SDK in several packages, of which one brings the others along.
    const vendors = new Set(foreign.map((dependency) => /^(@[^/]+)\//.exec(dependency)?.[1] ?? dependency));
    if (vendors.size > 1)
      yield `an adapter depends on one vendor's SDK besides @aml/*: ${foreign.join(", ")}`;
  }
}

function* checkFiles(root: string, { folder, manifest }: WorkspacePackage): Iterable<string> {
  if (folder.startsWith("packages/adapters/") && !existsSync(join(root, folder, "test/suite.ts"))) {
    yield "no conformance suite in test/suite.ts";
  }
  const file = join(root, folder, "README.md");
  if (!existsSync(file)) {
    yield "no README.md";
    return;
  }
  const text = readFileSync(file, "utf8");
  if (!text.startsWith(`# ${manifest.name}\n`)) yield `README.md does not begin with "# ${manifest.name}"`;
  const install = /^.*\b(?:npm (?:install|i)|npx|pnpm add)\b.*$/gm;
  if (![...text.matchAll(install)].some(([line]) => line.includes(manifest.name))) {
    yield "README.md names no command that installs it";
  }
  if (!/^```(?:ts|sh)\b/m.test(text)) yield "README.md has no example";
}

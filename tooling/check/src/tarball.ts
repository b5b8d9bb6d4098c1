import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { publint } from "publint";
import { output } from "./commands.ts";
import type { Manifest, WorkspacePackage } from "./workspace-packages.ts";

export interface Tarball {
  readonly file: string;
  /** The package.json that users get. */
  readonly manifest: Manifest;
  readonly problems: readonly string[];
}

/** Packs a built package and checks what is in the tarball, as npm and TypeScript will see it. */
export async function packAndCheck(root: string, one: WorkspacePackage, target: string): Promise<Tarball> {
  const packed = await output(
    "pnpm",
    ["pack", "--json", "--pack-destination", target],
    join(root, one.folder),
  );
  const { filename: file } = JSON.parse(packed) as { filename: string };
  const data = new Uint8Array(await readFile(file));
  const archive = createPackageFromTarballData(data);
  const base = `/node_modules/${one.manifest.name}/`;
  const names = archive.listFiles().map((path) => path.slice(base.length));
  const text = archive.readFile(`${base}package.json`);
  const problems = [...checkContents(names, text)];
  const { messages } = await publint({ pack: { tarball: data.buffer }, strict: true });
  for (const { code, args } of messages) problems.push(`publint: ${code} ${JSON.stringify(args)}`);
  const types = await checkPackage(archive);
  if (!types.types) problems.push("has no types");
  // ESM only: node10 and require() from CommonJS types are out of scope
  else {
    for (const problem of types.problems) {
      const { kind } = problem;
      const old = "resolutionKind" in problem && problem.resolutionKind === "node10";
      if (!old && kind !== "CJSResolvesToESM")
        problems.push(`types: ${JSON.stringify(problem).slice(0, 200)}`);
    }
  }
  return { file, manifest: JSON.parse(text) as Manifest, problems: [...new Set(problems)] };
}

function* checkContents(names: readonly string[], manifest: string): Iterable<string> {
  for (const wanted of ["LICENSE", "package.json"]) {
    if (!names.includes(wanted)) yield `the tarball lacks ${wanted}`;
  }
  for (const name of names) {
    if (!/^(?:dist|src)\/|^(?:README|CHANGELOG)\.md$|^LICENSE$|^package\.json$/.test(name)) {
      yield `the tarball holds ${name}`;
    } else if (/\.tsbuildinfo$|\.test\./.test(name)) yield `the tarball holds ${name}`;
  }
  for (const word of ["workspace:", "catalog:", "@aml/source", '"link:']) {
    if (manifest.includes(word)) yield `the packed package.json says ${word}`;
  }
}

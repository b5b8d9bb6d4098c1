import { globSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly description?: string;
  readonly type?: string;
  readonly sideEffects?: boolean;
  readonly files?: readonly string[];
  readonly bin?: Readonly<Record<string, string>>;
  readonly engines?: Readonly<Record<string, string>>;
  readonly scripts?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
  readonly publishConfig?: { readonly exports?: Readonly<Record<string, unknown>>; readonly access?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface WorkspacePackage {
  /** From the root, with `/`: `packages/core`. */
  readonly folder: string;
  readonly kind: "package" | "app" | "tooling";
  readonly manifest: Manifest;
}

const KINDS = { packages: "package", apps: "app", tooling: "tooling" } as const;

/** Every package of the tree, sorted by folder. */
export function workspacePackages(root: string): readonly WorkspacePackage[] {
  return globSync("{packages/*,packages/adapters/*,apps/*,tooling/*}/package.json", { cwd: root })
    .map((file) => dirname(file).replaceAll("\\", "/"))
    .toSorted()
    .map((folder) => ({
      folder,
      kind: KINDS[folder.slice(0, folder.indexOf("/")) as keyof typeof KINDS],
      manifest: JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8")) as Manifest,
    }));
}

import { AmlError, type AnyAdapterDefinition } from "@aml/core";
import { loadPackage } from "./load-package.ts";
import { nearestName } from "./nearest-name.ts";
import type { AdapterEntry } from "./workspace-config.ts";

/** What is being looked for: a datastore type, or something that reads a URI. */
export type Wanted = { readonly type: string } | { readonly uri: string };

/** Imports a package by name and gives back its exports. */
export type ImportPackage = (name: string) => Promise<Readonly<Record<string, unknown>>>;

export interface AdapterFinderOptions {
  /** Packages of `aml.config.json`. */
  readonly entries: readonly AdapterEntry[];
  /** Where packages are looked for first. */
  readonly folder: string;
  readonly importPackage?: ImportPackage | undefined;
}

interface Known {
  readonly type: string;
  readonly package: string;
  readonly reads: RegExp;
}

// Types and URIs of our own packages, so that none is imported in vain. The first that reads a URI gets it.
const HTTP: Known = { type: "http", package: "@aml/http", reads: /^https?:/i };
const NOTHING = /(?!)/;
const STORES: readonly Known[] = [
  { type: "local", package: "@aml/local", reads: /^file:/i },
  {
    type: "azure_blob",
    package: "@aml/azure-blob",
    reads: /^(?:wasbs?:\/\/|https?:\/\/[^/?#]*\.blob\.)/i,
  },
  { type: "azure_file", package: "@aml/azure-file-share", reads: /^https?:\/\/[^/?#]*\.file\./i },
  {
    type: "azure_data_lake_gen2",
    package: "@aml/adls-gen2",
    reads: /^(?:abfss?:\/\/|https?:\/\/[^/?#]*\.dfs\.)/i,
  },
  { type: "azure_data_lake_gen1", package: "@aml/adls-gen1", reads: /^adl:\/\//i },
  { type: "dbfs", package: "@aml/dbfs", reads: NOTHING },
  { type: "azure_sql", package: "@aml/azure-sql", reads: NOTHING },
  { type: "postgresql", package: "@aml/postgresql", reads: NOTHING },
  { type: "mysql", package: "@aml/mysql", reads: NOTHING },
];
const KNOWN: readonly Known[] = [...STORES, HTTP];

/**
 * Gives back a function that imports an adapter package when the first store of its type is touched, and no other.
 * A type that it does not know is looked for in the packages of `entries`.
 *
 * @returns `undefined` when no package reads the URI; the function throws `config_invalid` for a type without a
 * package, and for a package that is not installed, cannot be imported or exports no adapter.
 */
export function createAdapterFinder(
  options: AdapterFinderOptions,
): (wanted: Wanted) => Promise<AnyAdapterDefinition | undefined> {
  const importPackage = options.importPackage ?? ((name: string) => loadPackage(name, options.folder));
  const loaded = new Map<string, Promise<readonly AnyAdapterDefinition[]>>();
  const load = (name: string): Promise<readonly AnyAdapterDefinition[]> => {
    const pending = loaded.get(name) ?? importPackage(name).then((exports) => definitionsOf(name, exports));
    loaded.set(name, pending);
    return pending;
  };
  return async (wanted) => {
    for (const name of candidates(wanted, options.entries)) {
      const found = (await load(name)).find((definition) => fits(definition, wanted));
      if (found) return found;
    }
    if ("type" in wanted) throw unknownType(wanted.type, options.entries);
    return undefined;
  };
}

function unknownType(type: string, entries: readonly AdapterEntry[]): AmlError {
  const types = [...KNOWN, ...entries].flatMap((entry) => entry.type ?? []);
  const near = nearestName(type, types);
  const add = 'install the adapter\'s package and name it under "adapters" in aml.config.json';
  return new AmlError("config_invalid", `No adapter for datastores of type '${type}' is installed.`, {
    hint:
      near === undefined
        ? `Types here: ${[...new Set(types)].join(", ")}. For another, ${add}.`
        : `Did you mean '${near}'? Else ${add}.`,
    context: { type },
  });
}

/** Packages worth importing, best first. */
function candidates(wanted: Wanted, entries: readonly AdapterEntry[]): readonly string[] {
  const others = entries.filter((entry) => !KNOWN.some((known) => known.package === entry.package));
  if ("type" in wanted) {
    const exact = [...others, ...KNOWN].filter((entry) => entry.type === wanted.type);
    const open = others.filter((entry) => entry.type === undefined);
    return (exact.length > 0 ? exact : open).map((entry) => entry.package);
  }
  const sure = STORES.find((known) => known.reads.test(wanted.uri));
  if (sure) return [sure.package];
  // Any web address can be read as a plain file, so that comes last.
  const last = HTTP.reads.test(wanted.uri) ? [HTTP.package] : [];
  return [...others.map((entry) => entry.package), ...last];
}

function fits(definition: AnyAdapterDefinition, wanted: Wanted): boolean {
  return "type" in wanted ? definition.type === wanted.type : definition.locate?.(wanted.uri) !== undefined;
}

function definitionsOf(
  name: string,
  exports: Readonly<Record<string, unknown>>,
): readonly AnyAdapterDefinition[] {
  const found = Object.values(exports).filter(isDefinition);
  if (found.length > 0) return found;
  throw new AmlError("config_invalid", `The package ${name} exports no adapter.`, {
    hint: 'Remove it from "adapters" in aml.config.json, or export a definition made with defineStorageAdapter().',
    context: { package: name },
  });
}

function isDefinition(value: unknown): value is AnyAdapterDefinition {
  if (typeof value !== "object" || value === null) return false;
  const { kind, type, open, parseOptions } = value as Partial<Record<keyof AnyAdapterDefinition, unknown>>;
  return (
    (kind === "storage" || kind === "sql") &&
    typeof type === "string" &&
    typeof open === "function" &&
    typeof parseOptions === "function"
  );
}

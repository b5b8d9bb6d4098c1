/** What the emulator has, in the order of their ports. */
export const EMULATED_SERVICES = [
  "blob",
  "dfs",
  "files",
  "adls1",
  "dbfs",
  "key-vault",
  "entra",
  "sql",
] as const;

export type EmulatedService = (typeof EMULATED_SERVICES)[number];

/** What each is called in full. */
export const TITLES: Readonly<Record<EmulatedService, string>> = {
  blob: "Azure Blob Storage",
  dfs: "Azure Data Lake Storage Gen2",
  files: "Azure Files",
  adls1: "Azure Data Lake Storage Gen1",
  dbfs: "Databricks files",
  "key-vault": "Azure Key Vault",
  entra: "Microsoft Entra ID",
  sql: "Azure SQL",
};

/** Services whose clients have to sign in, so that Entra is started with them. */
const SIGNED_IN: ReadonlySet<EmulatedService> = new Set(["adls1", "key-vault"]);

/** The services that are wanted, and those that these need, in the order of the table. */
export function withNeeded(wanted: readonly EmulatedService[]): readonly EmulatedService[] {
  const needsEntra = wanted.some((name) => SIGNED_IN.has(name));
  return EMULATED_SERVICES.filter((name) => wanted.includes(name) || (name === "entra" && needsEntra));
}

/** The port of a service above the base; the managed identity endpoints come last. */
export function portOf(base: number | undefined, name: EmulatedService | "identity"): number | undefined {
  if (base === undefined) return undefined;
  return base + (name === "identity" ? EMULATED_SERVICES.length : EMULATED_SERVICES.indexOf(name));
}

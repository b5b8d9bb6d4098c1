/** What the sources of one package may do. Its tests may import whatever its package.json declares. */
export interface Layer {
  /** Packages of this repository that its sources may import. */
  readonly imports: readonly string[];
  /** It promises to run in any JavaScript runtime: no `node:` module. */
  readonly anywhere?: true;
  /** It may import a module whose name is known only at run time. */
  readonly computed?: true;
}
export type Layers = Readonly<Record<string, Layer>>;

const CORE = "@aml/core";

/** Who may import whom. What is not listed may not; a package without an entry fails the check. */
export const LAYERS: Layers = {
  "@aml/core": { imports: [], anywhere: true },

  "@aml/mltable": { imports: [CORE], anywhere: true },
  "@aml/adapter-testkit": { imports: [CORE], anywhere: true },
  "@aml/http": { imports: [CORE], anywhere: true },
  "@aml/local": { imports: [CORE] },
  "@aml/azure-auth": { imports: [CORE] },
  "@aml/azure-blob": { imports: [CORE, "@aml/azure-auth"] },
  "@aml/azure-file-share": { imports: [CORE, "@aml/azure-auth"] },
  "@aml/adls-gen1": { imports: [CORE, "@aml/azure-auth"] },
  "@aml/adls-gen2": { imports: [CORE, "@aml/azure-auth"] },
  "@aml/azure-sql": { imports: [CORE, "@aml/azure-auth"] },
  "@aml/dbfs": { imports: [CORE, "@aml/azure-auth"] },
  "@aml/mysql": { imports: [CORE, "@aml/azure-auth"] },
  "@aml/postgresql": { imports: [CORE, "@aml/azure-auth"] },
  "@aml/key-vault": { imports: [CORE, "@aml/azure-auth"] },
  // it answers as the services do, and knows no adapter of ours
  "@aml/emulator": { imports: [] },
  "@aml/staging": { imports: [CORE] },
  "@aml/engine-duckdb": { imports: [CORE, "@aml/staging"] },
  "@aml/arrow": { imports: [CORE], anywhere: true },
  "@aml/polars": { imports: [CORE] },
  "@aml/vault": { imports: [CORE] },
  "@aml/registry-sql": { imports: [CORE] },

  "@aml/workspace": {
    imports: [
      CORE,
      "@aml/engine-duckdb",
      "@aml/local",
      "@aml/mltable",
      "@aml/registry-sql",
      "@aml/staging",
      "@aml/vault",
    ],
    // it loads the adapters that a workspace's own aml.config.json names
    computed: true,
  },
  "@aml/cli": { imports: [CORE, "@aml/arrow", "@aml/http", "@aml/local", "@aml/mltable", "@aml/workspace"] },
};

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
  "@aml/staging": { imports: [CORE] },
  "@aml/engine-duckdb": { imports: [CORE, "@aml/staging"] },
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
  "@aml/cli": { imports: [CORE, "@aml/http", "@aml/local", "@aml/mltable", "@aml/workspace"] },
};

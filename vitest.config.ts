import { playwright } from "@vitest/browser-playwright";
import { configDefaults, defineConfig } from "vitest/config";
import { share } from "./tooling/kit/runs.ts";

// Tests run on the sources: the @aml/source condition of each package's exports.
const source = {
  resolve: { conditions: ["@aml/source", "module", "default"] },
  ssr: {
    resolve: {
      conditions: ["@aml/source", "module", "node", "default"],
      externalConditions: ["@aml/source"],
    },
  },
};

// More runs than all look for what is not known yet: with seeds by chance.
const setupFiles = ["./tooling/kit/equal-bytes.ts", ...(share > 1 ? [] : ["./tooling/kit/fixed-seed.ts"])];

// What hangs is found by these, not what is slow: other work may take a machine's time.
const patience = { testTimeout: 180_000, hookTimeout: 180_000, expect: { poll: { timeout: 60_000 } } };

const chromium = {
  executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
};

const node = {
  setupFiles,
  ...patience,
};

/** Tests of what a process has once: its environment when a library is loaded, what it says once, its memory. */
const alone = [
  "packages/azure-auth/test/{identity,virtual-machine}.test.ts",
  "packages/adapters/*/test/{entra,oauth}.test.ts",
  "packages/cli/test/gen1.test.ts",
  "packages/workspace/test/million-names.test.ts",
];

/** The runtime matrix runs these suites too, in Node as well. */
const conformance = ["packages/{*,adapters/*}/test/node.test.ts"];

export default defineConfig({
  test: {
    reporters: ["default", "./tooling/kit/reporter.ts"],
    coverage: {
      provider: "v8",
      include: ["packages/**/src/**"],
      reporter: ["text", "json-summary"],
    },
    projects: [
      {
        ...source,
        test: {
          ...node,
          name: "node",
          include: ["{packages,packages/adapters,apps,tooling}/*/test/**/*.test.ts"],
          exclude: [...configDefaults.exclude, ...conformance, ...alone],
          isolate: false,
        },
      },
      { ...source, test: { ...node, name: "alone", include: alone } },
      { ...source, test: { ...node, name: "conformance", include: conformance } },
      ...(process.env["AML_BROWSER"] === "1"
        ? [
            {
              ...source,
              test: {
                name: "browser",
                ...patience,
                setupFiles,
                include: ["packages/core/test/**/*.test.ts"],
                browser: {
                  enabled: true,
                  headless: true,
                  screenshotFailures: false,
                  provider: playwright({ launchOptions: chromium }),
                  instances: [{ browser: "chromium" as const }],
                },
              },
            },
          ]
        : []),
    ],
  },
});

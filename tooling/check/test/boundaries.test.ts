import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkBoundaries } from "../src/boundaries.ts";
import type { Layers } from "../src/layers.ts";

const layers: Layers = {
  "@x/core": { imports: [], anywhere: true },
  "@x/store": { imports: ["@x/core"] },
};
let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "boundaries-"));
  write({
    "packages/core/package.json": manifest("@x/core", {}),
    "packages/core/src/index.ts": "export const one = 1;",
    "packages/adapters/store/package.json": manifest("@x/store", {
      peerDependencies: { "@x/core": "1" },
      dependencies: { sdk: "1" },
      devDependencies: { vitest: "1" },
    }),
    "packages/adapters/store/src/index.ts":
      'import { one } from "@x/core";\nimport sdk from "sdk";\nimport { join } from "node:path";',
    "packages/adapters/store/test/store.test.ts":
      'import { test } from "vitest";\nimport { a } from "../src/index.ts";',
  });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function manifest(name: string, more: object): string {
  return JSON.stringify({ name, exports: { ".": "./src/index.ts" }, ...more });
}

function write(files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
}

/** The violations after one source of the store is replaced. */
function broken(text: string, path = "packages/adapters/store/src/index.ts"): readonly string[] {
  write({ [path]: text });
  return checkBoundaries(root, layers, 3).violations;
}

test("a tree that keeps to the table passes, and its modules and imports are counted", () => {
  expect(checkBoundaries(root, layers, 3)).toEqual({ modules: 3, imports: 5, violations: [] });
});

test("an empty tree fails", () => {
  rmSync(join(root, "packages"), { recursive: true });
  expect(checkBoundaries(root, {}, 1).violations).toEqual(["saw 0 modules, and there are at least 1"]);
});

test("fewer modules than there must be fail", () => {
  expect(checkBoundaries(root, layers, 4).violations).toEqual(["saw 3 modules, and there are at least 4"]);
});

test("a package without sources fails", () => {
  rmSync(join(root, "packages/core/src"), { recursive: true });
  expect(checkBoundaries(root, layers, 1).violations).toEqual(["packages/core: no module in src/"]);
});

test("the table names each package, and no other", () => {
  expect(
    checkBoundaries(root, { "@x/core": { imports: [] }, "@x/gone": { imports: [] } }, 1).violations,
  ).toEqual([
    "@x/store is not in the table of layers",
    "@x/gone is in the table of layers and nowhere else",
    "packages/adapters/store/src/index.ts:1: may not import @x/core",
  ]);
});

const store = "packages/adapters/store/src/index.ts:1:";
test.each([
  [
    "an import of what is not declared",
    'import "left-pad";',
    /imports left-pad, which .* does not declare for its users/,
  ],
  [
    "a dev dependency in a source",
    'import "vitest";',
    /imports vitest, which .* does not declare for its users/,
  ],
  ["a re-export", 'export * from "left-pad";', /imports left-pad/],
  ["a named re-export", 'export { a } from "left-pad";', /imports left-pad/],
  ["a type import", 'import type { A } from "left-pad";', /imports left-pad/],
  ["an import in a type", 'export type A = import("left-pad").A;', /imports left-pad/],
  ["a dynamic import", 'await import("left-pad");', /imports left-pad/],
  ["a computed import", "await import(process.argv[2]!);", /whose name is computed/],
  ["an inner module of a neighbour", 'import "@x/core/src/index.ts";', /@x\/core's inside/],
  ["a path into a neighbour", 'import "../../../core/src/index.ts";', /leaves its package/],
  ["a test in a source", 'import "../test/store.test.ts";', /sources import from outside src\//],
  ["a built-in without node:", 'import "fs";', /without its "node:"/],
])("refuses %s", (_, text, expected) => {
  const violations = broken(text);
  expect(violations).toHaveLength(1);
  expect(violations[0]).toContain(store);
  expect(violations[0]).toMatch(expected);
});

test("refuses a neighbour that the table does not allow, declared or not", () => {
  write({
    "packages/core/package.json": manifest("@x/core", { dependencies: { "@x/store": "1" } }),
  });
  expect(broken('\n\nimport { a } from "@x/store";', "packages/core/src/index.ts")).toEqual([
    "packages/core/src/index.ts:3: may not import @x/store",
  ]);
});

test("refuses node: modules where a package runs anywhere, and allows them in its tests", () => {
  write({ "packages/core/test/core.test.ts": 'import "node:fs";' });
  expect(broken('import "node:fs";', "packages/core/src/index.ts")).toEqual([
    "packages/core/src/index.ts:1: imports node:fs, and @x/core runs anywhere",
  ]);
});

test("tests may share another package's test cases, and nothing else of it", () => {
  write({ "packages/core/test/cases.ts": "export const cases = [];" });
  const file = "packages/adapters/store/test/store.test.ts";
  expect(broken('import "../../../core/test/cases.ts";', file)).toEqual([]);
  expect(broken('import "../../../core/src/index.ts";', file)).toEqual([
    `${file}:1: leaves its package: ../../../core/src/index.ts`,
  ]);
});

test("refuses an import of an app", () => {
  write({
    "apps/demo/package.json": manifest("@x/demo", {}),
    "packages/adapters/store/package.json": manifest("@x/store", { dependencies: { "@x/demo": "1" } }),
  });
  expect(broken('import "@x/demo";')).toContain(`${store} imports @x/demo: nothing imports an app`);
});

test("a source that cannot be parsed stops the check", () => {
  expect(() => broken("import from from;;;(")).toThrow(/store\/src\/index\.ts cannot be parsed/);
});

test("the repository's own sources are what the check sees", () => {
  const here = fileURLToPath(new URL("../../../", import.meta.url));
  expect(checkBoundaries(here, {}, 1).modules).toBeGreaterThan(60);
});

import { size as sizeOf } from "@aml/kit/runs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FileTreeError } from "../../src/file-tree/file-tree-error.ts";
import type { FileTree } from "../../src/file-tree/file-tree.ts";
import { openFileTree } from "../../src/file-tree/open-file-tree.ts";
import { TreeModel } from "./tree-model.ts";

interface Both {
  readonly tree: FileTree;
  readonly model: TreeModel;
}
type Step = (both: Both) => void;

const name = fc.constantFrom("a", "b", "ä", "A", "😀");
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"));
const count = fc.oneof(fc.nat(40), fc.constantFrom(65_530, 65_536, 65_540, 131_072, 140_000));
const yes = fc.boolean();
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 20 }),
  fc.integer({ min: 65_000, max: 66_000 }).map((length) => new Uint8Array(length).fill(7)),
);

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(path, yes, yes).map(([at, parents, reuse]) =>
    step(
      ({ tree }) => tree.createDirectory(at, { parents, reuse }),
      ({ model }) => model.createDirectory(at, parents, reuse),
    ),
  ),
  fc.tuple(path, count, yes, yes).map(([at, size, parents, replace]) =>
    step(
      ({ tree }) => tree.createFile(at, { size, parents, replace }),
      ({ model }) => model.createFile(at, size, parents, replace),
    ),
  ),
  fc.tuple(path, count, bytes).map(([at, offset, data]) =>
    step(
      ({ tree }) => tree.write(at, offset, data),
      ({ model }) => model.write(at, offset, data),
    ),
  ),
  fc.tuple(path, bytes).map(([at, data]) =>
    step(
      ({ tree }) => tree.append(at, data),
      ({ model }) => model.write(at, model.file(at).bytes.length, data),
    ),
  ),
  fc.tuple(path, count, count).map(([at, offset, length]) =>
    step(
      ({ tree }) => tree.clear(at, offset, length),
      ({ model }) => model.clear(at, offset, length),
    ),
  ),
  fc.tuple(path, count).map(([at, size]) =>
    step(
      ({ tree }) => tree.resize(at, size),
      ({ model }) => model.resize(at, size),
    ),
  ),
  fc.tuple(path, path, yes).map(([from, to, replace]) =>
    step(
      ({ tree }) => tree.move(from, to, { replace }),
      ({ model }) => model.move(from, to, replace),
    ),
  ),
  fc.tuple(path, yes).map(([at, recursive]) =>
    step(
      ({ tree }) => tree.delete(at, { recursive }),
      ({ model }) => model.delete(at, recursive),
    ),
  ),
);

/** Does the same to both, which must refuse the same. A refused change must leave nothing. */
function step(real: Step, plain: Step): Step {
  return (both) => {
    const before = structuredClone(both.model.nodes);
    const refusal = refusalOf(() => plain(both));
    if (refusal !== undefined) both.model.nodes = before;
    expect(refusalOf(() => real(both))).toBe(refusal);
  };
}

function refusalOf(work: () => void): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof FileTreeError) return error.code;
    return error instanceof Error ? error.message : String(error);
  }
}

function compare({ tree, model }: Both): void {
  const walk = (folder: string): string[] =>
    tree.list(folder).nodes.flatMap((node) => {
      expect(tree.stat(node.path)).toEqual(node);
      return node.kind === "file" ? [node.path] : [node.path, ...walk(node.path)];
    });
  expect(walk("").toSorted()).toEqual([...model.nodes.keys()].filter(Boolean).toSorted());
  for (const [at, node] of model.nodes) {
    expect(tree.stat(at)).toMatchObject({ kind: node.kind, size: node.bytes.length });
    if (node.kind === "directory") continue;
    expect(Buffer.from(tree.readBytes(at)).equals(Buffer.from(node.bytes))).toBe(true);
    expect(tree.ranges(at)).toEqual(model.ranges(at));
  }
}

test("a tree does what a plain model does, whatever is done to it", () => {
  fc.assert(
    fc.property(fc.array(steps, { maxLength: 40 }), (all) => {
      using tree = openFileTree();
      const both = { tree, model: new TreeModel() };
      for (const next of all) next(both);
      compare(both);
    }),
    { numRuns: sizeOf(150, 15) },
  );
});

test("pages of any size, from any name, with any prefix, are cut from one order", () => {
  const names = fc.uniqueArray(
    fc.string({
      unit: fc.constantFrom("a", "b", "é", "퟿", "\uE000", "😀", "\u{10FFFF}"),
      minLength: 1,
      maxLength: 4,
    }),
  );
  const prefixes = fc.string({ unit: fc.constantFrom("a", "é", "퟿", "\u{10FFFF}"), maxLength: 2 });
  fc.assert(
    fc.property(names, prefixes, fc.integer({ min: 1, max: 5 }), (all, prefix, limit) => {
      using tree = openFileTree();
      for (const each of all) tree.createFile(each);
      const found: string[] = [];
      for (let after: string | undefined; ;) {
        const page = tree.list("", { prefix, limit, after });
        found.push(...page.nodes.map((node) => node.name));
        if (page.next === undefined) break;
        after = page.next;
      }
      expect(found).toEqual(all.filter((each) => each.startsWith(prefix)).toSorted(byCodePoint));
    }),
  );
});

function byCodePoint(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}

import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { pieceLength } from "../src/piece-length.ts";
import { createHarness } from "./harness.ts";

const h = await createHarness();

test.each([
  [0, 16_384],
  [100, 16_384],
  [16_385, 16_385],
  [1_000_000, 1_000_000],
  [1_000_001, 1_000_000],
])("a file of %i bytes is read in pieces of %i, at most a million", async (size, length) => {
  const path = join(h.folder, `${size}.csv`);
  await writeFile(path, Buffer.alloc(size));
  await using handle = await open(path);
  expect(await pieceLength(handle, 1_000_000)).toBe(length);
});

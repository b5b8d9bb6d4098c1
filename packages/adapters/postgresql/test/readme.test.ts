import { formatSqlTypes } from "@aml/adapter-testkit";
import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { types } from "./types.ts";

test("the README's table of types is that of the tests", async () => {
  const page = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const table = /<!-- types -->([^]*)<!-- \/types -->/.exec(page)?.[1] ?? "";
  const bare = (text: string): string => text.replace(/ +/g, " ").replace(/-{3,}/g, "---").trim();
  // `npm run readme -- types` writes it.
  expect(bare(table)).toBe(bare(formatSqlTypes(types)));
});

import { readFile } from "node:fs/promises";
import { formatSqlTypes } from "@aml/adapter-testkit";
import { expect, test } from "vitest";
import { types } from "./types.ts";

const squeezed = (text: string): string =>
  text
    .replace(/ +/g, " ")
    .replace(/-{3,}:?/g, "---")
    .trim();

test("the README's table of types is the one that the tests hold the adapter to", async () => {
  const page = await readFile(new URL("../README.md", import.meta.url), "utf8");
  const [, table = ""] = /<!-- types -->([^]*?)<!-- \/types -->/.exec(page) ?? [];
  expect(squeezed(table)).toBe(squeezed(formatSqlTypes(types)));
});

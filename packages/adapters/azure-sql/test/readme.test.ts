import { readFileSync } from "node:fs";
import { formatSqlTypes } from "@aml/adapter-testkit";
import { expect, test } from "vitest";
import { types } from "./types.ts";

test("the table of types in the README is that of the tests", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const cells = (text: string): string[] =>
    text
      .split("\n")
      .filter((line) => line.startsWith("|") && !/^\|[\s:|-]+\|$/.test(line))
      .map((line) => line.replace(/\s*\|\s*/g, "|"));
  const section = readme.split("## Types")[1]?.split("\n## ")[0] ?? "";
  expect(cells(section)).toEqual(cells(formatSqlTypes(types)));
});

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { azureMLCredentialTable, credentialTable } from "../src/credential-tables.ts";
import { demoStructure, demoText, packageTable, replaceSection, sectionOf } from "../src/readme-text.ts";

const root = new URL("../../../", import.meta.url);
const text = (path: string): string => readFileSync(new URL(path, root), "utf8");

test("the README shows the steps that the demo has", () => {
  const shown = demoStructure(sectionOf(text("README.md"), "demo"));
  expect(shown.length).toBeGreaterThan(15);
  const source = text("apps/quickstart/src/main.ts");
  // As the source writes them: within quotes, or between backquotes that end in an escaped line break.
  const inSource = (line: string): boolean => source.includes(line.replace(/^\s+› {1,3}/, "").trimEnd());
  expect(shown.filter((line) => !inSource(line))).toEqual([]);
  const titles = source.match(/"\d+\. [^"]+"/g) ?? [];
  expect(shown.filter((line) => /^\d/.test(line))).toEqual(titles.map((title) => title.slice(1, -1)));
});

test("the README names every package that is published, with its size", () => {
  const rows = sectionOf(text("README.md"), "packages").split("\n").slice(2);
  expect(rows.length).toBeGreaterThan(10);
  for (const row of rows) {
    const [, name = "", folder = ""] = /^\| \[`(@aml\/[\w-]+)`\]\(([\w/-]+)\)/.exec(row) ?? [];
    expect(JSON.parse(text(`${folder}/package.json`))).toMatchObject({ name });
    expect(row).toMatch(/\d+ [kM]B \|$/);
  }
});

test.each([
  ["store-credentials", credentialTable()],
  ["azure-ml-credentials", azureMLCredentialTable()],
])("docs/credentials.md has the table that the code has: %s", (section, table) => {
  const cells = (shown: string): readonly string[] =>
    shown.split("\n").map((line) => line.replace(/ *\| */g, "|").replace(/:?-+:?/g, "-"));
  // If this fails: npm run readme
  expect(cells(sectionOf(text("docs/credentials.md"), section))).toEqual(cells(table));
});

test("output is shown without colours and ports, and cut where it is long", () => {
  const long = Array.from({ length: 20 }, (_, index) => `    line ${index}`).join("\n");
  const shown = demoText(
    `\u001b[1m1. Step\u001b[22m\n  › code\n    http://127.0.0.1:4711/x  \n\n2. Long\n${long}\n`,
  );
  expect(shown.split("\n").slice(0, 3)).toEqual(["1. Step", "  › code", "    http://127.0.0.1:10000/x"]);
  expect(shown).toMatch(/line 10\n {4}…$/);
  expect(demoStructure(shown)).toEqual(["1. Step", "  › code", "2. Long"]);
});

test("sections are replaced as a whole, whatever they hold", () => {
  const page = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n";
  expect(sectionOf(replaceSection(page, "x", "$& new"), "x")).toBe("$& new");
  const rows = [{ name: "@aml/a", folder: "packages/a", purpose: "A" }];
  expect(packageTable(rows, "@aml/a  0.0.0  1.0 kB  2.0 kB  3  12 MB")).toContain(
    "| [`@aml/a`](packages/a) | A | 12 MB |",
  );
  expect(() => packageTable(rows, "")).toThrow("@aml/a");
});

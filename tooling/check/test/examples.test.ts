import { expect, test } from "vitest";
import { examplesIn } from "../src/examples.ts";

test("each block is an example of its own, unless it continues the one before", () => {
  const page = [
    "# Page",
    "```ts",
    "const a = 1;",
    "```",
    "text",
    "```ts continued",
    "a + 1;",
    "```",
    "```sh",
    "npm test",
    "```",
    "```ts",
    "const b = 2;",
    "```",
  ].join("\n");
  expect(examplesIn("a.md", page)).toEqual([
    { place: "a.md:2", code: "const a = 1;\na + 1;\n" },
    { place: "a.md:12", code: "const b = 2;\n" },
  ]);
});

import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { stepsPage } from "./steps-page.ts";

test("docs/steps.md is what running its examples gives", async () => {
  const page = await readFile(new URL("../../../docs/steps.md", import.meta.url), "utf8");
  // If this fails: npm run readme steps
  expect(page).toBe(await stepsPage());
});

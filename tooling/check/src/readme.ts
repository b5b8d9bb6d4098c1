// npm run readme — writes the demo's output and the sizes of the packages into README.md, between its marks.
import { spawnSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { output } from "./commands.ts";
import { demoText, packageTable, replaceSection } from "./readme-text.ts";
import { workspacePackages } from "./workspace-packages.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const demo = ["--conditions=@aml/source", join(root, "apps/quickstart/src/main.ts")];
const said = await output(process.execPath, demo, root);
// A package over its budget fails that check, and has an install size all the same.
const checks = [join(root, "tooling/check/src/main.ts"), "packages"];
const { stdout: sizes } = spawnSync(process.execPath, checks, { cwd: root, encoding: "utf8" });
const packages = workspacePackages(root).filter(
  ({ kind, manifest }) => kind === "package" && !manifest.private,
);
const file = join(root, "README.md");
const before = await readFile(file, "utf8");
const table = packageTable(
  packages.map(({ folder, manifest }) => ({
    folder,
    name: manifest.name,
    purpose: manifest.description ?? "",
  })),
  sizes,
);
const withDemo = replaceSection(before, "demo", `\`\`\`text\n${demoText(said)}\n\`\`\``);
await writeFile(file, replaceSection(withDemo, "packages", table));
await output("oxfmt", [file], root);

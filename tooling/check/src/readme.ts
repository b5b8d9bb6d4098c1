// npm run readme — writes the demo's output and the sizes of the packages into README.md, and who signs in how into
// docs/credentials.md, between their marks; into the READMEs of databases how each type is read, which is what their
// tests expect; and docs/steps.md from running its examples. With `credentials`, `types` or `steps` as its argument, only
// that.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { formatSqlTypes, type SqlType } from "@aml/adapter-testkit";
import { output } from "./commands.ts";
import { azureMLCredentialTable, credentialTable } from "./credential-tables.ts";
import { demoText, packageTable, replaceSection } from "./readme-text.ts";
import { workspacePackages } from "./workspace-packages.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const only = process.argv[2];
if (only === undefined || only === "credentials") await writeCredentials();
if (only === undefined || only === "types") await writeTypes();
if (only === undefined || only === "steps") await writeSteps();
if (only === undefined) await writeReadme();

async function writeSteps(): Promise<void> {
  const made = join(root, "packages/workspace/test/steps-page.ts");
  const { stepsPage } = (await import(made)) as { readonly stepsPage: () => Promise<string> };
  await writeFile(join(root, "docs/steps.md"), await stepsPage());
}

async function writeTypes(): Promise<void> {
  for (const path of globSync("packages/adapters/*/test/types.ts", { cwd: root })) {
    const { types } = (await import(join(root, path))) as { readonly types: readonly SqlType[] };
    const file = join(root, dirname(dirname(path)), "README.md");
    await writeFile(
      file,
      replaceSection(await readFile(file, "utf8"), "types", formatSqlTypes(types).trim()),
    );
    await output("oxfmt", [file], root);
  }
}

async function writeCredentials(): Promise<void> {
  const file = join(root, "docs/credentials.md");
  const ours = replaceSection(await readFile(file, "utf8"), "store-credentials", credentialTable());
  await writeFile(file, replaceSection(ours, "azure-ml-credentials", azureMLCredentialTable()));
  await output("oxfmt", [file], root);
}

async function writeReadme(): Promise<void> {
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
}

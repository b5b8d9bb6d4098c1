import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { share } from "@aml/kit/runs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { spawnAml, type Outcome } from "./aml.ts";
import { type Lake, openLake } from "./lake.ts";

let lake: Lake;
beforeAll(async () => {
  lake = await openLake();
});
afterAll(async () => {
  await lake[Symbol.asyncDispose]();
});

const KEY = randomBytes(64).toString("base64");
const SIGNATURE = randomBytes(32).toString("base64");
const SAS = `sv=2024-11-04&sr=c&sp=rl&se=2099-01-01T00%3A00%3A00Z&sig=${encodeURIComponent(SIGNATURE)}`;
const CLIENT_SECRET = `c~${randomBytes(20).toString("hex")}`;

const PASSWORD = `p~${randomBytes(20).toString("hex")}`;
const TOKEN = `t~${randomBytes(20).toString("hex")}`;

const CANARIES = [
  PASSWORD,
  Buffer.from(PASSWORD).toString("base64"),
  TOKEN,
  Buffer.from(TOKEN).toString("base64"),
  KEY,
  encodeURIComponent(KEY),
  Buffer.from(KEY).toString("base64"),
  Buffer.from(KEY, "base64").toString("hex"),
  SIGNATURE,
  encodeURIComponent(SIGNATURE),
  SAS,
  Buffer.from(SAS).toString("base64"),
  CLIENT_SECRET,
  Buffer.from(CLIENT_SECRET).toString("base64"),
];

function hunt(where: string, text: string): void {
  for (const canary of CANARIES) {
    if (text.includes(canary)) throw new Error(`a secret is in ${where}`);
  }
}

const principal = ["--tenant-id", "11111111-1111-1111-1111-111111111111", "--client-id", "me"];

const CREATE: readonly { readonly flags: readonly string[]; readonly stdin?: string }[] = [
  { flags: ["key_env", "--account-key-env", "KEY"] },
  { flags: ["key_stdin", "--account-key-stdin"], stdin: `${KEY}\r\n` },
  { flags: ["key_secret", "--credential", "account_key", "--secret-stdin"], stdin: KEY },
  { flags: ["key_flag", "--account-key", KEY] },
  { flags: ["sas_env", "--sas-token-env", "SAS"] },
  { flags: ["sas_stdin", "--sas-token-stdin"], stdin: `?${SAS}` },
  { flags: ["sas_flag", "--sas-token", `?${SAS}`] },
  { flags: ["principal", ...principal, "--client-secret-env", "CLIENT_SECRET"] },
];

const FORMS = [["--verbose"], ["--json", "--verbose"]];

const env = { KEY, SAS, CLIENT_SECRET, PASSWORD, TOKEN };

test("no command, error or file shows a secret", async () => {
  const { folder, flags } = lake;
  const outcomes: [string, Outcome][] = [];
  const run = async (args: readonly string[], stdin = ""): Promise<void> => {
    // A part of them by default: each command in one of the two forms.
    for (const extra of share < 1 ? [FORMS[outcomes.length % 2] ?? []] : FORMS) {
      const name = args.filter((arg) => !CANARIES.some((canary) => arg.includes(canary))).join(" ");
      outcomes.push([`${name} ${extra.join(" ")}`, await lake.aml([...args, ...extra], { env, stdin })]);
    }
  };
  for (const { flags: own, stdin } of CREATE) {
    const [name = "", ...credential] = own;
    await run(
      ["datastore", "create", name, ...flags, ...credential, "--skip-validation", "--overwrite"],
      stdin,
    );
    await run(["datastore", "show", name]);
    if (name === "principal") continue;
    await run(["datastore", "create", `${name}_checked`, ...flags, ...credential], stdin);
    await run(["datastore", "update", name, ...credential], stdin);
    await run(["datastore", "test", name]);
    await run(["ls", `azureml://datastores/${name}/paths/`]);
  }
  const source = "azureml://datastores/key_env/paths/2025/*.csv";
  await run(["datastore", "list"]);
  for (const verb of ["show", "schema"]) await run(["table", verb, source]);
  await run(["table", "export", source, "--format", "csv"]);
  await run(["mltable", "validate", "azureml://datastores/sas_env/paths/2025"]);
  await run(["dataset", "register", "x", source]);
  await run(["dataset", "register", "y", source, "--no-pin"]);
  for (const verb of ["list", "show", "download"]) {
    await run([
      "dataset",
      verb,
      ...(verb === "list" ? [] : ["y"]),
      ...(verb === "download" ? ["-o", "never"] : []),
    ]);
  }
  const database = ["--type", "postgresql", "--server", "127.0.0.1", "--port", "1", "--database", "d"];
  // Refuses at once: a host that is not there is tried again.
  const refusing = createServer((_request, response) => {
    response.writeHead(403, { "content-type": "application/json" });
    response.end('{"error_code":"PERMISSION_DENIED","message":"No."}');
  }).listen(0, "127.0.0.1");
  await once(refusing, "listening");
  const { port } = refusing.address() as AddressInfo;
  const bricks = ["--type", "dbfs", "--host", `http://127.0.0.1:${port}`];
  for (const extra of [[], ["--skip-validation", "--overwrite"]]) {
    await run([
      "datastore",
      "create",
      "sales",
      ...database,
      "--user",
      "ada",
      "--password-env",
      "PASSWORD",
      ...extra,
    ]);
    await run(["datastore", "create", "bricks", ...bricks, "--token-env", "TOKEN", ...extra]);
    await run([
      "datastore",
      "create",
      "two_keys",
      ...flags,
      "--account-key-env",
      "KEY",
      "--secondary-key-env",
      "KEY",
      ...extra,
    ]);
  }
  refusing.close();
  for (const name of ["sales", "bricks", "two_keys"]) await run(["datastore", "show", name]);
  const template = (key: string): string =>
    JSON.stringify({
      parameters: { key: { type: "securestring" } },
      resources: [
        {
          type: "Microsoft.MachineLearningServices/workspaces/datastores",
          name: "ws/templated",
          properties: {
            datastoreType: "AzureBlob",
            accountName: "a",
            containerName: "c",
            credentials: { credentialsType: "AccountKey", secrets: { secretsType: "AccountKey", key } },
          },
        },
      ],
    });
  await writeFile(join(folder, "bad.json"), JSON.stringify({ parameters: { key: { value: KEY } } }));
  for (const key of [
    KEY,
    `[parameters('${KEY}')]`,
    `[${KEY}]`,
    `[concat('${KEY}', nope())]`,
    "[parameters('key')]",
  ]) {
    await writeFile(join(folder, "bad.template.json"), template(key));
    const values = ["--parameters", "bad.json"];
    await run([
      "datastore",
      "create",
      "-f",
      "bad.template.json",
      "--skip-validation",
      "--overwrite",
      ...values,
    ]);
  }
  // Where a secret does not belong: it must be refused or masked, and not repeated.
  await run([
    "datastore",
    "create",
    "url",
    "--type",
    "http",
    "--url",
    `https://example.com/x?${SAS}`,
    "--skip-validation",
  ]);
  await run(["ls", `https://${lake.azurite.accountName}.blob.core.windows.net/trips/?${SAS}`]);
  await run(["table", "show", `https://acct.blob.core.windows.net/trips/a.csv?${SAS}`]);
  await run([
    "dataset",
    "register",
    "signed",
    `https://acct.blob.core.windows.net/trips/a.csv?${SAS}`,
    "--no-pin",
  ]);
  await run([
    "datastore",
    "create",
    "opt",
    ...flags,
    "--option",
    `endpoint=https://x.example/?${SAS}`,
    "--skip-validation",
  ]);
  await writeFile(
    join(folder, "bad.yml"),
    `type: azure_blob\nname: y\naccount_name: a\ncontainer_name: c\ncredentials:\n  account_key: ${KEY}\n  sas_token: "${SAS}"\n`,
  );
  await run(["datastore", "create", "-f", "bad.yml"]);
  await writeFile(
    join(folder, "bad.yml"),
    `type: azure_blob\nname: y\naccount_key: "${KEY}\ncontainer_name: c\n`,
  );
  await run(["datastore", "create", "-f", "bad.yml"]);

  for (const credentials of [`  account_key: [${KEY}\n`, `  account_key: x\n  ${KEY}: y\n`]) {
    const head = "type: azure_blob\nname: y\naccount_name: a\ncontainer_name: c\ncredentials:\n";
    await writeFile(join(folder, "bad.yml"), head + credentials);
    await run(["datastore", "create", "-f", "bad.yml"]);
  }
  await run(["datastore", "create", "x", `--acount-key=${KEY}`]);
  await run(["datastore", "create", "x", ...flags, "--account-key-env", "KEY", KEY, "more"]);
  await run(["init", folder]);
  await run(["datastore", "set-default", "sas_env"]);
  for (const name of ["key_env", "sas_env"]) await run(["datastore", "delete", name]);

  expect(outcomes.filter(([, { code }]) => code === 0).length).toBeGreaterThan(20);
  expect(outcomes.filter(([, { code }]) => code === 3).length).toBeGreaterThan(20);
  expect(outcomes.filter(([, { code }]) => code === 1)).toEqual([]);
  for (const [name, { stdout, stderr }] of outcomes) {
    hunt(`stdout of ${name}`, stdout);
    hunt(`stderr of ${name}`, stderr);
  }
  for (const name of await readdir(folder, { recursive: true })) {
    const path = join(folder, name);
    if (!name.startsWith("bad.") && (await stat(path)).isFile()) hunt(name, await readFile(path, "latin1"));
  }
  expect((await stat(join(folder, ".aml", "vault.key"))).mode & 0o777).toBe(0o600);
});

test("a process of its own shows none either", async () => {
  const outcome = await spawnAml(
    ["datastore", "create", "own", ...lake.flags, "--account-key-env", "KEY", "--verbose"],
    {
      cwd: lake.folder,
      env,
    },
  );
  expect(outcome.code).toBe(3);
  hunt("stderr", outcome.stderr + outcome.stdout);
});

test("a secret on the command line is taken with a warning", async () => {
  const outcome = await lake.aml([
    "datastore",
    "create",
    "warned",
    ...lake.flags,
    "--account-key",
    lake.azurite.accountKey,
  ]);
  expect(outcome).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^warning: --account-key .*history/),
  });
});

test.each([
  [["--account-key-env", "UNSET"], "UNSET"],
  [["--account-key-stdin"], "stdin"],
  [["--credential", "account_key"], "account key is missing"],
  [["--credential", "magic"], "magic"],
  [["--secret-stdin"], "kind"],
  [["--account-key-env", "KEY", "--sas-token-env", "SAS"], "account_key, sas"],
  [["--credential", "service_principal", "--client-secret-env", "CLIENT_SECRET"], "tenant"],
  [["--credential", "service_principal", "--certificate-file", "nope.pem", ...principal], "nope.pem"],
])("credential flags %j: %s", async (flags, message) => {
  const outcome = await lake.aml(["datastore", "create", "never", ...lake.flags, ...flags], { env });
  expect([2, 4]).toContain(outcome.code);
  expect(outcome.stderr).toContain(message);
});

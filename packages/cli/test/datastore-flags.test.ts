import { isAmlError, Secret } from "@aml/core";
import { Readable } from "node:stream";
import { expect, test } from "vitest";
import { credentialOf, type Known } from "../src/credential-flags.ts";
import type { DatastoreFlags } from "../src/datastore-flags.ts";
import type { Session } from "../src/session.ts";
import { storeOptions } from "../src/store-flags.ts";

const env = { KEY: "key-1", KEY2: "key-2", SECRET: "s3cret", TOKEN: "token-1", PASSWORD: "p w" };

/** As much of a session as flags need. */
function session(stdin = ""): Session {
  const terminal = {
    stdin: Readable.from([stdin]),
    stderr: {},
    env,
    cwd: "/project",
    signal: new AbortController().signal,
  };
  return { terminal, note: () => undefined } as unknown as Session;
}

/** With secrets in the open, to compare. */
async function given(flags: DatastoreFlags, known: Known, stdin?: string): Promise<unknown> {
  const found = await credentialOf(session(stdin), flags, known);
  if (found === undefined) return undefined;
  const open = (value: unknown): unknown => (value instanceof Secret ? value.reveal() : value);
  return Object.fromEntries(Object.entries(found).map(([key, value]) => [key, open(value)]));
}

test.each<[string, DatastoreFlags, object]>([
  [
    "postgresql",
    { user: "ada", passwordEnv: "PASSWORD" },
    { kind: "password", username: "ada", password: "p w" },
  ],
  ["dbfs", { tokenEnv: "TOKEN" }, { kind: "access_token", token: "token-1" }],
  [
    "dbfs",
    { clientId: "c", clientSecretEnv: "SECRET" },
    { kind: "oauth_client", clientId: "c", clientSecret: "s3cret" },
  ],
  [
    "dbfs",
    { tenantId: "t", clientId: "c", clientSecretEnv: "SECRET" },
    { kind: "service_principal", tenantId: "t", clientId: "c", clientSecret: "s3cret" },
  ],
  [
    "azure_sql",
    {
      tenantId: "t",
      clientId: "c",
      clientSecretEnv: "SECRET",
      authorityUrl: "https://a",
      resourceUrl: "https://r",
    },
    {
      kind: "service_principal",
      tenantId: "t",
      clientId: "c",
      clientSecret: "s3cret",
      authorityUrl: "https://a",
      resourceUrl: "https://r",
    },
  ],
  [
    "azure_blob",
    { accountKeyEnv: "KEY", secondaryKeyEnv: "KEY2" },
    { kind: "account_key", accountKey: "key-1", secondaryKey: "key-2" },
  ],
  ["azure_blob", { identity: true }, { kind: "identity" }],
  [
    "azure_blob",
    { identity: "managed", clientId: "c" },
    { kind: "identity", source: "managed", clientId: "c" },
  ],
  ["azure_blob", { credential: "sas", secretName: "LAKE" }, { kind: "sas", sasToken: { secret: "LAKE" } }],
])("%s %j", async (type, flags, credential) => {
  expect(await given(flags, { type })).toEqual(credential);
});

test("a new secret keeps the rest of a credential of its kind", async () => {
  const principal = {
    kind: "service_principal" as const,
    tenantId: "t",
    clientId: "c",
    clientSecret: { secret: "old" },
    authorityUrl: "https://login.example",
  };
  const known = { type: "azure_blob", before: principal };
  expect(await given({ clientSecretStdin: true }, known, "new\n")).toEqual({
    ...principal,
    clientSecret: "new",
  });
  expect(await given({ secretStdin: true }, known, "new\n")).toEqual({ ...principal, clientSecret: "new" });
  const keys = { kind: "account_key" as const, accountKey: { secret: "a" }, secondaryKey: { secret: "b" } };
  expect(await given({ accountKeyEnv: "KEY" }, { type: "azure_blob", before: keys })).toEqual({
    ...keys,
    accountKey: "key-1",
  });
  expect(await given({ secondaryKeyEnv: "KEY2" }, { type: "azure_blob", before: keys })).toEqual({
    ...keys,
    secondaryKey: "key-2",
  });
  expect(await given({ accountKeyEnv: "KEY" }, { type: "azure_blob", before: principal })).toEqual({
    kind: "account_key",
    accountKey: "key-1",
  });
});

test.each<[string, DatastoreFlags, string]>([
  [
    "dbfs",
    { accountKeyEnv: "KEY" },
    "A datastore of type dbfs does not take a credential of kind 'account_key'.",
  ],
  ["postgresql", { passwordEnv: "PASSWORD" }, "A password needs a user."],
  ["dbfs", { clientSecretEnv: "SECRET" }, "A client needs its ID."],
  ["azure_blob", { identity: "nobody" }, "--identity names no source"],
  ["azure_blob", { identity: true, accountKeyEnv: "KEY" }, "several credentials: account_key, identity"],
  ["azure_blob", { sasTokenEnv: "KEY", secondaryKeyEnv: "KEY2" }, "several credentials: sas, account_key"],
])("%s %j: %s", async (type, flags, message) => {
  const error: unknown = await credentialOf(session(), flags, { type }).catch((thrown: unknown) => thrown);
  expect(isAmlError(error, "config_invalid") && error.message).toContain(message);
});

test("each store takes its own flags and refuses the others'", () => {
  const options = (type: string, flags: DatastoreFlags) => storeOptions(session(), flags, type);
  expect(options("azure_file", { accountName: "a", fileShareName: "s" })).toEqual({
    accountName: "a",
    fileShareName: "s",
  });
  expect(options("azure_data_lake_gen1", { storeName: "s" })).toEqual({ storeName: "s" });
  const database = { server: "s", database: "d", port: "5433", user: "u" };
  expect(options("postgresql", { ...database, tls: "require" })).toEqual({ ...database, tls: "require" });
  expect(options("postgresql", { ...database, passwordStdin: true })).toEqual({
    server: "s",
    database: "d",
    port: "5433",
  });
  expect(options("dbfs", { host: "h", path: "/Volumes/a/b/c" })).toEqual({
    host: "h",
    path: "/Volumes/a/b/c",
  });
  expect(options("local", { path: "data" })).toEqual({ path: "/project/data" });
  expect(options("tape", { server: "s", option: ["x=y=z"] })).toEqual({ server: "s", x: "y=z" });
  expect(() => options("azure_blob", { filesystem: "f" })).toThrow(
    "--filesystem is of azure_data_lake_gen2; a datastore of type azure_blob has no such option.",
  );
  expect(() => options("mysql", { fileShareName: "f" })).toThrow(
    expect.objectContaining({
      hint: "Flags of mysql: --endpoint, --server, --database, --port, --user, --tls.",
    }),
  );
});

import {
  type AnyAdapterDefinition,
  type CredentialInput,
  type CredentialInputOf,
  type DatastoreInput,
  defineStorageAdapter,
  type Datastores,
} from "@aml/core";
import { type CredentialKind, STORE_CREDENTIALS, type StoreType } from "@aml/core/adapter";
import { memoryRegistry, memorySecrets, memoryStorage } from "@aml/core/memory";
import { createWorkspace } from "@aml/core/workspace";
import { expect, expectTypeOf, test } from "vitest";

const CREDENTIALS: { readonly [K in CredentialKind]: Extract<CredentialInput, { kind: K }> } = {
  anonymous: { kind: "anonymous" },
  account_key: { kind: "account_key", accountKey: "k" },
  sas: { kind: "sas", sasToken: "s" },
  service_principal: { kind: "service_principal", tenantId: "t", clientId: "c", clientSecret: "s" },
  service_principal_certificate: {
    kind: "service_principal_certificate",
    tenantId: "t",
    clientId: "c",
    certificate: "pem",
  },
  identity: { kind: "identity" },
  access_token: { kind: "access_token", token: "t" },
  oauth_client: { kind: "oauth_client", clientId: "c", clientSecret: "s" },
  password: { kind: "password", username: "u", password: "p" },
};
const TYPES = Object.keys(STORE_CREDENTIALS) as StoreType[];

function definition(type: string, credentialKinds: readonly CredentialKind[]): AnyAdapterDefinition {
  return defineStorageAdapter({
    type,
    credentialKinds,
    parseOptions: (input) => input,
    open: () => memoryStorage(),
  });
}

function datastores(): Datastores {
  return createWorkspace({
    adapters: [
      ...TYPES.map((type) => definition(type, STORE_CREDENTIALS[type])),
      definition("tape", ["password"]),
    ],
    registry: memoryRegistry(),
    secrets: memorySecrets(),
  }).datastores;
}

test("each pair of store and credential is registered where the table has it, else config_invalid", async () => {
  const stores = datastores();
  let pairs = 0;
  for (const type of TYPES) {
    for (const [kind, credential] of Object.entries(CREDENTIALS)) {
      const known = (STORE_CREDENTIALS[type] as readonly string[]).includes(kind);
      const call = stores.register(
        { name: `s${pairs++}`, type, options: {}, credential },
        { skipValidation: true },
      );
      if (known) expect((await call).credential.kind).toBe(kind);
      else {
        await expect(call).rejects.toMatchObject({
          code: "config_invalid",
          message: `A datastore of type ${type} does not take a credential of kind '${kind}'.`,
          hint: `Kinds it takes: ${STORE_CREDENTIALS[type].join(", ")}.`,
        });
      }
    }
  }
  expect(pairs).toBe(TYPES.length * 9);
});

test("a pair that the service does not know is a compile error", async () => {
  const { register } = datastores();
  const a = { name: "a", options: {} };
  for (const call of [
    // @ts-expect-error DBFS has no account keys
    register({ ...a, type: "dbfs", credential: { kind: "account_key", accountKey: "k" } }),
    // @ts-expect-error a disk takes no token
    register({ ...a, type: "local", credential: { kind: "access_token", token: "t" } }),
    // @ts-expect-error a password has a user
    register({ ...a, type: "mysql", credential: { kind: "password", password: "p" } }),
  ]) {
    await expect(call).rejects.toMatchObject({ code: "config_invalid" });
  }

  const unchecked = { skipValidation: true };
  await register({ ...a, type: "dbfs", credential: { kind: "access_token", token: "t" } }, unchecked);
  await register({ ...a, name: "b", type: "tape", credential: CREDENTIALS.password }, unchecked);
  await register({ ...a, name: "c", type: "dbfs" }, unchecked);

  expectTypeOf<CredentialInputOf<"postgresql">["kind"]>().toEqualTypeOf<
    "password" | "service_principal" | "service_principal_certificate" | "identity"
  >();
  expectTypeOf<CredentialInputOf<"tape">>().toEqualTypeOf<CredentialInput>();
  expectTypeOf<DatastoreInput["credential"]>().toEqualTypeOf<CredentialInput | undefined>();
});

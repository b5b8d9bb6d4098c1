import assert from "node:assert/strict";
import { inspect } from "node:util";
import { AmlError, Secret } from "@aml/core";
import type { SecretStore } from "@aml/core";
import { envSecrets, firstOf } from "@aml/vault";
import { fails, rejection } from "./fails.ts";
import type { Runner } from "./suite.ts";

export function environmentCases(test: Runner["test"]): void {
  test("maps a name to a variable", async () => {
    const env = { AML_SECRET_DATASTORES_LAKE_ACCOUNT_KEY: "one", AML_SECRET_A__B_C___2: "two", X_A: "three" };
    const store = envSecrets({ env });
    assert.equal((await store.get("datastores/lake/account_key")).reveal(), "one");
    assert.equal((await store.get("Datastores.Lake-account.key")).reveal(), "one");
    assert.equal((await store.get("a--b c/ä😀2")).reveal(), "two");
    assert.equal((await envSecrets({ env, prefix: "X_" }).get("a")).reveal(), "three");
  });

  test("names the variable that is missing; an empty one counts as missing", async () => {
    const store = envSecrets({ env: { AML_SECRET_A: "" } });
    for (const name of ["a", "__proto__", "constructor", ""]) await fails(store.get(name), "not_found");
    assert.match((await fails(store.get("lake/key"), "not_found")).hint ?? "", /AML_SECRET_LAKE_KEY/);
  });

  test("has no set, no delete, and prints nothing", async () => {
    const store = envSecrets({ env: { AML_SECRET_A: "canary-7" } });
    assert.deepEqual(["set" in store, "delete" in store], [false, false]);
    assert.ok(!(inspect(store, { showHidden: true, depth: 9 }) + JSON.stringify(store)).includes("canary-7"));
  });

  test("rejects with the reason of an abort", async () => {
    const reason = new Error("enough");
    assert.equal(
      await rejection(envSecrets({ env: {} }).get("a", { signal: AbortSignal.abort(reason) })),
      reason,
    );
  });
}

export function chainCases(test: Runner["test"]): void {
  const readOnly = envSecrets({ env: { AML_SECRET_A: "from env" } });

  test("gives the first value found, and sets in the first store that can", async () => {
    const [one, two] = [mapStore(), mapStore()];
    const store = firstOf(readOnly, one, two);
    await two.set("b", new Secret("from two"));
    assert.equal((await store.get("a")).reveal(), "from env");
    assert.equal((await store.get("b")).reveal(), "from two");
    await store.set?.("b", new Secret("from one"));
    assert.equal((await store.get("b")).reveal(), "from one");
    assert.equal((await two.get("b")).reveal(), "from two");
    await store.delete?.("b");
    assert.equal((await store.get("b")).reveal(), "from two");
  });

  test("tells every way to provide a secret that none has", async () => {
    const error = await fails(firstOf(readOnly, mapStore()).get("b"), "not_found");
    assert.equal(error.hint, "Set the environment variable AML_SECRET_B. Or: Put it into the map.");
    await fails(firstOf().get("b"), "not_found");
  });

  test("stops at any other failure", async () => {
    const broken: SecretStore = {
      get: () => Promise.reject(new AmlError("auth_failed", "locked")),
    };
    await fails(firstOf(broken, readOnly).get("a"), "auth_failed");
    assert.equal((await firstOf(readOnly, broken).get("a")).reveal(), "from env");
  });

  test("of read-only stores is read-only", async () => {
    const store = firstOf(readOnly);
    assert.deepEqual(["set" in store, "delete" in store], [false, false]);
  });
}

function mapStore(): Required<SecretStore> {
  const values = new Map<string, Secret>();
  return {
    async get(name) {
      const value = values.get(name);
      if (value) return value;
      throw new AmlError("not_found", `No ${name}`, { hint: "Put it into the map." });
    },
    async set(name, value) {
      values.set(name, value);
    },
    async delete(name) {
      values.delete(name);
    },
  };
}

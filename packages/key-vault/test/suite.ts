import assert from "node:assert/strict";
import { AmlError, Secret } from "@aml/core";
import { openTestVault, rejection } from "./vault.ts";

interface Runner {
  readonly describe: (name: string, body: () => void) => void;
  readonly test: (name: string, body: () => Promise<void>) => void;
}

const NAME = "datastores/lake/accountKey/2845c05c";

async function fails(promise: Promise<unknown>, code: AmlError["code"], words: RegExp): Promise<void> {
  const error = (await rejection(promise)) as AmlError;
  assert.equal(error.code, code, String(error));
  assert.match(`${error.message} ${error.hint}`, words);
}

/** Declares what a key vault does as a secret store, on the emulator. */
export function suite({ describe, test }: Runner): void {
  describe("key vault as a secret store", () => {
    test("what is set is there, under a name that Key Vault can have", async () => {
      await using opened = await openTestVault();
      await opened.vault.set(NAME, new Secret("k€y"));
      assert.equal((await opened.vault.get(NAME)).reveal(), "k€y");
      assert.ok(opened.requests.includes("PUT /secrets/aml--datastores--lake--account-key--2845c05c"));
    });

    test("nothing is remembered: a rotated secret is seen at once", async () => {
      await using opened = await openTestVault();
      await opened.vault.set(NAME, new Secret("one"));
      assert.equal((await opened.vault.get(NAME)).reveal(), "one");
      await opened.other.set(NAME, new Secret("two"));
      assert.equal((await opened.vault.get(NAME)).reveal(), "two");
    });

    test("a secret identifier pins a version", async () => {
      await using opened = await openTestVault();
      const { vault, versions } = opened;
      const id = `${vault.vaultUrl}/secrets/Lake-Key`;
      await vault.set("lake-key", new Secret("one"));
      await vault.set("lake-key", new Secret("two"));
      assert.equal((await vault.get(id)).reveal(), "two");
      assert.equal((await vault.get(`${id}/${versions[0]}`)).reveal(), "one");
      await fails(vault.get(`${id}/${"0".repeat(32)}`), "not_found", /no secret 'https:/);
      await fails(vault.set(`${id}/${versions[0]}`, new Secret("x")), "config_invalid", /one version/);
      await fails(vault.delete(`${id}/${versions[0]}`), "config_invalid", /one version/);
      await fails(
        vault.get("https://other.vault.azure.net/secrets/a"),
        "config_invalid",
        /not a secret identifier/,
      );
    });

    test("none of that name", async () => {
      await using opened = await openTestVault();
      await fails(
        opened.vault.get("Lake"),
        "not_found",
        /no secret 'Lake' in key vault 'contoso'.*--name aml---lake$/,
      );
    });

    test("a deleted one says so, and is recovered when it is set again", async () => {
      await using opened = await openTestVault();
      await opened.vault.set(NAME, new Secret("one"));
      await opened.vault.delete(NAME);
      await opened.vault.delete(NAME);
      await fails(opened.vault.get(NAME), "not_found", /was deleted at 20\d\d-.*az keyvault secret recover/);
      await opened.vault.set(NAME, new Secret("two"));
      assert.equal((await opened.vault.get(NAME)).reveal(), "two");
    });

    test("a failure that passes is repeated; one that stays is told", async () => {
      await using passing = await openTestVault({
        faults: [
          { does: "status", status: 503, match: { method: "PUT" }, times: 1 },
          { does: "reset", match: { method: "GET" }, times: 1 },
        ],
      });
      await passing.vault.set(NAME, new Secret("one"));
      assert.equal((await passing.vault.get(NAME)).reveal(), "one");
      await using failing = await openTestVault({ faults: [{ does: "status", status: 503 }] });
      await fails(failing.vault.get(NAME), "unavailable", /failed to answer/);
    });

    test("an abort and a timeout", async () => {
      await using opened = await openTestVault({ faults: [{ does: "stall" }], options: { timeoutMs: 100 } });
      await fails(opened.vault.get(NAME), "timeout", /did not answer in time/);
      const reason = new Error("enough");
      const controller = new AbortController();
      const got = rejection(opened.vault.get(NAME, { signal: controller.signal }));
      controller.abort(reason);
      assert.equal(await got, reason);
      assert.equal(await rejection(opened.vault.get(NAME, { signal: AbortSignal.abort(reason) })), reason);
    });
  });
}

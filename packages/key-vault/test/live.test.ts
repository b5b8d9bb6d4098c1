import { randomUUID } from "node:crypto";
import process from "node:process";
import { Secret } from "@aml/core";
import { expect, test } from "vitest";
import { keyVault } from "../src/index.ts";

const vaultUrl = process.env["AML_TEST_KEY_VAULT_URL"] ?? "";

test.skipIf(vaultUrl === "")(
  `a real vault${vaultUrl === "" ? " (skipped: AML_TEST_KEY_VAULT_URL names none)" : ""}`,
  { timeout: 120_000 },
  async () => {
    const vault = keyVault({ vaultUrl });
    const name = `aml-tests/${randomUUID()}`;
    try {
      await vault.set(name, new Secret("one"));
      expect((await vault.get(name)).reveal()).toBe("one");
      await vault.set(name, new Secret("two"));
      expect((await vault.get(name)).reveal()).toBe("two");
      await vault.delete(name);
      await vault.delete(name);
      await expect(vault.get(name)).rejects.toMatchObject({ code: "not_found" });
    } finally {
      await vault.delete(name);
    }
  },
);

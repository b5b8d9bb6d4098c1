import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromVaultName, toVaultName } from "../src/index.ts";

const VAULT = "https://contoso.vault.azure.net";
const vaultName = (name: string): string => toVaultName(name, VAULT).name;

describe("toVaultName", () => {
  test.each([
    ["lake-key", "lake-key"],
    ["2", "2"],
    ["datastores/lake/accountKey/2845c05c", "aml--datastores--lake--account-key--2845c05c"],
    ["my_lake.key", "aml--my-1lake-2key"],
    ["Lake-Key", "aml---lake-0-key"],
    ["aml--x", "aml--aml-0-0x"],
    ["ü", "aml---9c3-9bc"],
    ["🦆", "aml---9f0-99f-9a6-986"],
  ])("%s is %s", (name, expected) => {
    expect(vaultName(name)).toBe(expected);
    expect(fromVaultName(expected)).toBe(name);
    expect(fromVaultName(expected.toUpperCase())).toBe(name);
  });

  test("any two names are two in Key Vault, and can be told back", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 7 }), (name) => {
        fc.pre(!/^https?:\/\//i.test(name));
        const there = vaultName(name);
        expect(there).toMatch(/^[0-9a-z-]{1,127}$/);
        expect(fromVaultName(there)).toBe(name);
      }),
    );
    fc.assert(
      fc.property(fc.stringMatching(/^[aA/_.-]{1,6}$/), (name) => {
        expect(fromVaultName(vaultName(name))).toBe(name);
      }),
    );
  });

  test("a name of Key Vault comes from one name at most", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^aml--[a9-]{1,8}$/), (there) => {
        const name = fromVaultName(there);
        if (name !== undefined) expect(vaultName(name)).toBe(there);
      }),
    );
  });

  test.each(["", "a".repeat(128), `datastores/${"x".repeat(120)}`, "ü".repeat(21), "\ud800"])(
    "%j is refused",
    (name) => {
      expect(() => vaultName(name)).toThrow(expect.objectContaining({ code: "config_invalid" }));
    },
  );

  test("the longest", () => {
    expect(vaultName("a".repeat(127))).toHaveLength(127);
    expect(vaultName("A".repeat(61))).toHaveLength(127);
  });

  test("identifiers", () => {
    const version = "4387E9F3D6E14C459867679A90FD0F79";
    expect(toVaultName(`${VAULT}/secrets/Key/${version}`, VAULT)).toEqual({
      name: "Key",
      version: version.toLowerCase(),
    });
    expect(toVaultName(`${VAULT.toUpperCase()}/secrets/key/`, VAULT)).toEqual({ name: "key" });
    for (const wrong of ["/secrets/", "/keys/key", "/secrets/a_b", "/secrets/key/1", "/secrets/a/../b", ""]) {
      expect(() => toVaultName(VAULT + wrong, VAULT)).toThrow("is not a secret identifier of");
    }
  });
});

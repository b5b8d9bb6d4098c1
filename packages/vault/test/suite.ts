import { chainCases, environmentCases } from "./other-stores.ts";
import { fileCases, keyCases, verbCases, writerCases } from "./vault-cases.ts";

export interface Runner {
  describe(name: string, body: () => void): void;
  test(name: string, body: () => Promise<void>): void;
}

export function suite({ describe, test }: Runner): void {
  describe("openVault: secrets", () => verbCases(test));
  describe("openVault: the key", () => keyCases(test));
  describe("openVault: the file", () => fileCases(test));
  describe("openVault: several writers", () => writerCases(test));
  describe("envSecrets", () => environmentCases(test));
  describe("firstOf", () => chainCases(test));
}

import { fileCases } from "./file-cases.ts";
import { keyCases } from "./key-cases.ts";
import { chainCases, environmentCases } from "./other-stores.ts";
import { verbCases } from "./verb-cases.ts";
import { writerCases } from "./writer-cases.ts";

export interface Runner {
  readonly describe: (name: string, body: () => void) => void;
  readonly test: (name: string, body: () => Promise<void>) => void;
}

export function suite({ describe, test }: Runner): void {
  describe("openVault: secrets", () => verbCases(test));
  describe("openVault: the key", () => keyCases(test));
  describe("openVault: the file", () => fileCases(test));
  describe("openVault: several writers", () => writerCases(test));
  describe("envSecrets", () => environmentCases(test));
  describe("firstOf", () => chainCases(test));
}

import { expect, test } from "vitest";
import { findingsIn } from "../src/hygiene.ts";

const key = Buffer.from(Array.from({ length: 64 }, (_, index) => (index * 37) % 251)).toString("base64");

test.each([
  ["pnpm-lock.yaml", "a\n  tarball: x", "pnpm-lock.yaml:2: a lockfile holds versions and hashes, no address"],
  [
    "pnpm-lock.yaml",
    "resolution: https://example.com/a.tgz",
    "pnpm-lock.yaml:1: a lockfile holds versions and hashes, no address",
  ],
  [".npmrc", "x=1\nregistry=https://example.com", ".npmrc:2: a registry setting"],
  [".npmrc", "//example.com/:_authToken=abc", ".npmrc:1: a token for a registry"],
  ["a.ts", 'const u = "https://registry.example.com/x";', "a.ts:1: a package registry's address"],
  ["a.md", "see /Users/jane/x", "a.md:1: a path of somebody's machine"],
  ["a.md", "see /clone/of/mine/x", "a.md:1: a path of this machine"],
  ["a.pem", `-----BEGIN PRIVATE KEY-----\n${"Ab1".repeat(20)}`, "a.pem:1: a private key"],
  ["a.ts", `const k = "${key}";`, "a.ts:1: what looks like an account key"],
])("finds in %s: %s", (file, text, expected) => {
  expect([...findingsIn(file, text, ["/clone/of/mine"])]).toEqual([expected]);
});

test.each([
  ["pnpm-lock.yaml", `resolution: {integrity: sha512-${key}}`],
  ["a.ts", `const fake = "${"A".repeat(86)}==";`],
  ["a.md", "azureml://datastores/x/paths/root/work/file.csv"],
  ["a.ts", 'const certificate = "-----BEGIN CERTIFICATE-----\\nAAAA";'],
])("finds nothing in %s: %s", (file, text) => {
  expect([...findingsIn(file, text, ["/clone/of/mine"])]).toEqual([]);
});

import { KeyObject } from "node:crypto";
import { inspect } from "node:util";
import { Secret } from "@aml/core/adapter";
import { sharedKeyCredential } from "@aml/azure-auth";
import { StorageSharedKeyCredential } from "@azure/storage-blob";
import { expect, test } from "vitest";

const key = Buffer.from("a key that nobody should see, and long enough");

test.each([
  ["one byte", Buffer.from([0]), "GET"],
  ["as long as a hash's block", Buffer.alloc(64, 0xff), "GET\n\nx-ms-date:Fri"],
  ["longer", Buffer.alloc(200, 7), "/acc/trips/été 🚲.csv\ncomp:list"],
])("signs as the SDK's own credential, with a key of %s", (_, bytes, text) => {
  const base64 = bytes.toString("base64");
  const ours = sharedKeyCredential(StorageSharedKeyCredential, "acc", new Secret(` ${base64}\n`));
  const theirs = new StorageSharedKeyCredential("acc", base64);
  expect(ours.computeHMACSHA256(text)).toBe(theirs.computeHMACSHA256(text));
});

test("holds the key where no inspection and no JSON shows it", () => {
  const made = sharedKeyCredential(StorageSharedKeyCredential, "acc", new Secret(key.toString("base64")));
  expect(Reflect.get(made, "accountKey")).toBeInstanceOf(KeyObject);
  expect(made).toBeInstanceOf(StorageSharedKeyCredential);
  expect(inspect(made, { depth: 9, showHidden: true })).not.toContain(inspect(key).slice(8, 40));
  expect(JSON.stringify(made)).not.toContain(JSON.stringify([...key]).slice(1, 20));
});

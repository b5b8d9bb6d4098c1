import { describe, expect, test } from "vitest";
import { memoryStorage } from "@aml/core/memory";
import {
  canary,
  modelStorage,
  runStorageCase,
  storageCases,
  type Fixture,
  type Need,
} from "@aml/adapter-testkit";

const { secret } = canary();

/** What the model with directories alone has. */
const MORE: readonly Need[] = ["directories", "copy", "resume"];

function open(needs: readonly Need[]) {
  const options = { pageSize: 10, chunkSize: 64_000 };
  const storage = needs.some((need) => MORE.includes(need)) ? modelStorage(options) : memoryStorage(options);
  return { storage, secrets: [secret] };
}

describe("each case passes on the model and fails on its mutant", () => {
  for (const storageCase of storageCases) {
    const { id, needs, mutate } = storageCase;
    const lacks = needs.some((need) => MORE.includes(need)) ? [] : MORE;

    test(id, async () => {
      await runStorageCase(storageCase, () => open(needs), { lacks, timeoutMs: 5000 });
      const broken = (): Fixture => {
        const { storage, secrets } = open(needs);
        const { seed } = backDoor(storage);
        return { storage: mutate(storage, secrets), secrets, seed };
      };
      await expect(runStorageCase(storageCase, broken, { lacks, timeoutMs: 300 })).rejects.toThrow(/\S/);
    });
  }

  test("ids are unique and there are many", () => {
    expect(new Set(storageCases.map(({ id }) => id)).size).toBe(storageCases.length);
    expect(storageCases.length).toBeGreaterThanOrEqual(70);
  });
});

function backDoor(storage: Fixture["storage"]): Required<Pick<Fixture, "seed">> {
  return {
    seed: async (files) => {
      for (const [path, bytes] of Object.entries(files)) {
        await storage.write?.(
          path as Parameters<typeof storage.stat>[0],
          new Blob([bytes as Uint8Array<ArrayBuffer>]).stream(),
        );
      }
    },
  };
}

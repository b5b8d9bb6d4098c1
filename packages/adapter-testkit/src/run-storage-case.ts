import { put, utf8 } from "./expect.ts";
import { withinTime } from "./run-case.ts";
import type { CaseContext, Fixture, Need, StorageCase } from "./storage-case.ts";

export interface RunOptions {
  readonly lacks?: readonly Need[] | undefined;
  /** After which a case that hangs has failed; 60,000 unless given. */
  readonly timeoutMs?: number | undefined;
}

/**
 * Runs one case on a store of its own, and closes that.
 *
 * @throws what the case found wrong; that it hung.
 */
export async function runStorageCase(
  storageCase: StorageCase,
  open: () => Fixture | Promise<Fixture>,
  { lacks = [], timeoutMs = 180_000 }: RunOptions = {},
): Promise<void> {
  const fixture = await open();
  try {
    await withinTime(storageCase.id, timeoutMs, () => storageCase.run(contextOf(fixture, lacks)));
  } finally {
    await fixture.close?.();
  }
}

function contextOf(fixture: Fixture, lacks: readonly Need[]): CaseContext {
  const { storage, secrets = [], pageSize = 10, openStreams } = fixture;
  const seed =
    fixture.seed ??
    (async (files) => {
      for (const [path, bytes] of Object.entries(files)) await put(storage, path, bytes);
    });
  return {
    storage,
    lacks,
    secrets,
    pageSize,
    openStreams,
    seed: (files) =>
      seed(
        Object.fromEntries(
          Object.entries(files).map(([path, content]) => [
            path,
            typeof content === "string" ? utf8(content) : content,
          ]),
        ),
      ),
  };
}

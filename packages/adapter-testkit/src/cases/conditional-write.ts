import { AmlError } from "@aml/core";
import { at, equal, exists, ok, put, readText, refuses, streamOf, write } from "../expect.ts";
import { broken, writing } from "../mutate.ts";
import { limitedTo } from "../bodies.ts";
import type { StorageCase } from "../storage-case.ts";

export const conditionalWriteCases: readonly StorageCase[] = [
  {
    id: "write/if-none-match",
    title: "ifNoneMatch creates a file and never replaces one",
    needs: ["write", "conditionalWrites"],
    async run({ storage }) {
      await put(storage, "a.txt", "first", { ifNoneMatch: "*" });
      await refuses(async () => put(storage, "a.txt", "second", { ifNoneMatch: "*" }), "already_exists");
      equal(await readText(storage, "a.txt"), "first", "The file");
    },
    mutate: writing((send, path, bytes, { ifNoneMatch: _ignored, ...options }) =>
      send(path, streamOf(bytes), options),
    ),
  },
  {
    id: "write/if-match",
    title: "ifMatch replaces that version only",
    needs: ["write", "conditionalWrites", "etags"],
    async run({ storage }) {
      const { etag } = await put(storage, "a.txt", "first");
      const second = await put(storage, "a.txt", "second", { ifMatch: etag });
      await refuses(async () => put(storage, "a.txt", "third", { ifMatch: etag }), "precondition_failed");
      equal(await readText(storage, "a.txt"), "second", "The file");
      ok(second.etag !== etag, "The etag did not change.");
    },
    mutate: writing((send, path, bytes, { ifMatch: _ignored, ...options }) =>
      send(path, streamOf(bytes), options),
    ),
  },
  {
    id: "write/if-match-missing",
    title: "ifMatch does not create a file",
    needs: ["write", "conditionalWrites"],
    async run({ storage }) {
      await refuses(
        async () => put(storage, "a.txt", "x", { ifMatch: '"0x8D4BCC2E4835CD0"' }),
        "precondition_failed",
        "not_found",
      );
      equal(await exists(storage, "a.txt"), false, "Whether the file exists");
    },
    mutate: writing(async (send, path, bytes, { ifMatch, ...options }, store) =>
      send(path, streamOf(bytes), (await exists(store, path)) ? { ...options, ifMatch } : options),
    ),
  },
  {
    id: "write/race",
    title: "of eight writers that create one file, one succeeds",
    needs: ["write", "conditionalWrites"],
    async run({ storage }) {
      const outcomes = await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) =>
          put(storage, "a.txt", `writer ${index}`, { ifNoneMatch: "*" }),
        ),
      );
      const winners = outcomes.flatMap(({ status }, index) => (status === "fulfilled" ? [index] : []));
      equal(winners.length, 1, "The number of writers that succeeded");
      equal(await readText(storage, "a.txt"), `writer ${winners[0]}`, "The file");
      for (const outcome of outcomes) {
        if (outcome.status === "rejected")
          await refuses(Promise.reject(outcome.reason), "already_exists", "precondition_failed");
      }
    },
    mutate: broken((store) => ({
      write: async (path, body, { ifNoneMatch, ...options } = {}) => {
        if (ifNoneMatch !== undefined && (await exists(store, path)))
          throw new AmlError("already_exists", "Taken.");
        return write(store)(path, body, options);
      },
    })),
  },
  {
    id: "write/race-if-match",
    title: "of eight writers that replace one version, one succeeds",
    needs: ["write", "conditionalWrites", "etags"],
    async run({ storage }) {
      const { etag } = await put(storage, "a.txt", "first");
      const outcomes = await Promise.allSettled(
        Array.from({ length: 8 }, (_, index) => put(storage, "a.txt", `writer ${index}`, { ifMatch: etag })),
      );
      equal(
        outcomes.filter(({ status }) => status === "fulfilled").length,
        1,
        "The number of writers that succeeded",
      );
    },
    mutate: broken((store) => ({
      write: async (path, body, { ifMatch, ...options } = {}) => {
        if (ifMatch !== undefined && (await store.stat(path)).etag !== ifMatch)
          throw new AmlError("precondition_failed", "Changed.");
        return write(store)(path, body, options);
      },
    })),
  },
  {
    id: "write/frees-body",
    title: "a write that is refused cancels its body, so that the source is freed",
    needs: ["write", "conditionalWrites"],
    async run({ storage }) {
      await put(storage, "a.txt", "first");
      let cancelled = false;
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(new Uint8Array(64 * 1024)),
        cancel: () => {
          cancelled = true;
        },
      });
      const limited = limitedTo(body, 64 * 1024 * 1024, () => {
        cancelled = true;
      });
      await refuses(async () => write(storage)(at("a.txt"), limited, { ifNoneMatch: "*" }), "already_exists");
      equal(cancelled, true, "Whether the body was cancelled or read to its end");
    },
    mutate: broken((store) => ({
      write: async (path, body, options) => {
        if (options?.ifNoneMatch !== undefined && (await exists(store, path)))
          throw new AmlError("already_exists", "Taken.");
        return write(store)(path, body, options);
      },
    })),
  },
];

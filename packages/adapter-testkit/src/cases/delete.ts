import { AmlError, isAmlError } from "@aml/core";
import { at, equal, exists, names, readText, refuses, remove, sorted } from "../expect.ts";
import { broken } from "../mutate.ts";
import type { StorageCase } from "../storage-case.ts";

export const deleteCases: readonly StorageCase[] = [
  {
    id: "delete/file",
    title: "a deleted file is gone",
    needs: ["delete"],
    async run({ storage, seed }) {
      await seed({ "a.txt": "1", "folder/b.txt": "2" });
      await remove(storage)(at("a.txt"));
      await remove(storage)(at("folder/b.txt"));
      await refuses(async () => storage.stat(at("a.txt")), "not_found");
      await refuses(async () => storage.read(at("folder/b.txt")), "not_found");
    },
    mutate: broken(() => ({ delete: () => Promise.resolve() })),
  },
  {
    id: "delete/missing",
    title: "deleting what is not there succeeds",
    needs: ["delete"],
    async run({ storage, seed }) {
      await seed({ "a.txt": "1" });
      await remove(storage)(at("missing.txt"));
      await remove(storage)(at("no/such/folder"), { recursive: true });
      await remove(storage)(at("a.txt/b.txt"));
      equal(await readText(storage, "a.txt"), "1", "The other file");
    },
    mutate: broken((store) => ({
      delete: async (path, options) => {
        if (!(await exists(store, path))) throw new AmlError("not_found", "No such file.");
        await store.delete?.(path, options);
      },
    })),
  },
  {
    id: "delete/only-that",
    title: "deleting a file deletes none whose name begins alike",
    needs: ["delete"],
    async run({ storage, seed }) {
      await seed({ a: "1", ab: "2", "a.txt": "3", "b/a": "4" });
      await remove(storage)(at("a"));
      equal(await exists(storage, "a"), false, "Whether a exists");
      for (const path of ["ab", "a.txt", "b/a"])
        equal(await exists(storage, path), true, `Whether ${path} exists`);
    },
    mutate: broken((store) => ({
      async delete(path) {
        for (const name of await names(store.list(at(""), { recursive: true, prefix: path })))
          await store.delete?.(at(name));
      },
    })),
  },
  {
    id: "delete/recursive",
    title: "recursive deletes a folder with all that is below, and not its neighbours",
    needs: ["delete", "list"],
    async run({ storage, seed }) {
      await seed({ "a/1.txt": "1", "a/b/2.txt": "2", "a/b/c/3.txt": "3", "ab/4.txt": "4", "a.txt": "5" });
      await remove(storage)(at("a"), { recursive: true });
      const left = sorted(await names(storage.list(at(""), { recursive: true })));
      equal(left, ["a.txt", "ab/4.txt"], "What is left");
      equal(sorted(await names(storage.list(at("")))), ["a.txt", "ab/"], "What is left at the root");
    },
    mutate: broken((store) => ({
      delete: async (path, options) => {
        const prefix = options?.recursive === true ? path : `${path}/none`;
        for (const name of await names(store.list(at(""), { recursive: true, prefix })))
          await store.delete?.(at(name));
        await store.delete?.(path);
      },
    })),
  },
  {
    id: "delete/recursive-file",
    title: "recursive on a file deletes that file",
    needs: ["delete"],
    async run({ storage, seed }) {
      await seed({ "a.txt": "1", "a.txt.bak": "2" });
      await remove(storage)(at("a.txt"), { recursive: true });
      equal(await exists(storage, "a.txt"), false, "Whether the file exists");
      equal(await exists(storage, "a.txt.bak"), true, "Whether its neighbour exists");
    },
    mutate: broken((store) => ({
      delete: async (path, options) => {
        if (options?.recursive !== true) return store.delete?.(path, options);
        const below = await names(store.list(path, { recursive: true }));
        for (const name of below) await store.delete?.(at(name));
      },
    })),
  },
  {
    id: "delete/folder",
    title: "without recursive a folder keeps its files",
    needs: ["delete"],
    async run({ storage, seed }) {
      await seed({ "a/1.txt": "1" });
      try {
        await remove(storage)(at("a"));
      } catch (error) {
        if (!isAmlError(error)) throw error;
        await refuses(Promise.reject(error), "precondition_failed", "path_invalid");
      }
      equal(await readText(storage, "a/1.txt"), "1", "The file");
    },
    mutate: broken((store) => ({
      delete: (path) => store.delete?.(path, { recursive: true }) ?? Promise.resolve(),
    })),
  },
];

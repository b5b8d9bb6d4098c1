import { equal, join, readAll, readText, refuses } from "../expect.ts";
import { giving, reading } from "../mutate.ts";
import type { StorageCase } from "../storage-case.ts";

const text = "0123456789";

export const readRangeCases: readonly StorageCase[] = [
  {
    id: "read/range-middle",
    title: "a range is offset and length, zero-based",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "a.txt": text });
      equal(await readText(storage, "a.txt", { range: { offset: 3, length: 4 } }), "3456", "Range 3+4");
      equal(await readText(storage, "a.txt", { range: { offset: 0, length: 1 } }), "0", "Range 0+1");
      equal(await readText(storage, "a.txt", { range: { offset: 9, length: 1 } }), "9", "Range 9+1");
    },
    mutate: reading(({ range, ...others }) => ({
      ...others,
      ...(range && { range: { ...range, ...(range.length && { length: range.length + 1 }) } }),
    })),
  },
  {
    id: "read/range-to-end",
    title: "a range without length goes to the end",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "a.txt": text });
      equal(await readText(storage, "a.txt", { range: { offset: 6 } }), "6789", "Range 6+");
      equal(await readText(storage, "a.txt", { range: { offset: 0 } }), text, "Range 0+");
    },
    mutate: reading(({ range, ...others }, size) => ({
      ...others,
      ...(range && { range: { ...range, length: range.length ?? size - range.offset - 1 } }),
    })),
  },
  {
    id: "read/range-cut",
    title: "a range that goes past the end is cut at the end",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "a.txt": text });
      equal(await readText(storage, "a.txt", { range: { offset: 8, length: 100 } }), "89", "Range 8+100");
      equal(await readText(storage, "a.txt", { range: { offset: 0, length: 100 } }), text, "Range 0+100");
    },
    mutate: giving((bytes, { range }) =>
      range?.length === undefined ? bytes : join([bytes, new Uint8Array(range.length - bytes.byteLength)]),
    ),
  },
  {
    id: "read/range-past-end",
    title: "an offset past the end is range_not_satisfiable",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "a.txt": text, "empty.txt": "" });
      await refuses(
        async () => readAll(storage, "a.txt", { range: { offset: 11 } }),
        "range_not_satisfiable",
      );
      await refuses(
        async () => readAll(storage, "a.txt", { range: { offset: 999, length: 5 } }),
        "range_not_satisfiable",
      );
      await refuses(
        async () => readAll(storage, "empty.txt", { range: { offset: 1 } }),
        "range_not_satisfiable",
      );
    },
    mutate: reading(({ range, ...others }, size) => ({
      ...others,
      ...(range && { range: { ...range, offset: Math.min(range.offset, size) } }),
    })),
  },
  {
    id: "read/range-at-end",
    title: "an offset at the very end gives nothing: no bytes, or range_not_satisfiable",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "a.txt": text });
      let bytes: Uint8Array;
      try {
        bytes = await readAll(storage, "a.txt", { range: { offset: 10 } });
      } catch (error) {
        return refuses(Promise.reject(error), "range_not_satisfiable");
      }
      equal(bytes.byteLength, 0, "The number of bytes at the end");
    },
    mutate: reading(({ range, ...others }, size) => ({
      ...others,
      ...(range && { range: { ...range, offset: Math.min(range.offset, size - 1) } }),
    })),
  },
  {
    id: "read/range-zero-length",
    title: "a range of no bytes is empty, not the rest of the file",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "a.txt": text });
      equal(await readText(storage, "a.txt", { range: { offset: 4, length: 0 } }), "", "Range 4+0");
      equal(await readText(storage, "a.txt", { range: { offset: 0, length: 0 } }), "", "Range 0+0");
      await refuses(async () => readAll(storage, "no.txt", { range: { offset: 0, length: 0 } }), "not_found");
    },
    mutate: reading(({ range, ...others }) => ({
      ...others,
      ...(range && { range: range.length ? range : { offset: range.offset } }),
    })),
  },
  {
    id: "read/empty-file",
    title: "an empty file reads as nothing, with a range from 0 too",
    needs: [],
    async run({ storage, seed }) {
      await seed({ "empty.txt": "" });
      equal(await readText(storage, "empty.txt"), "", "The file");
      equal(await readText(storage, "empty.txt", { range: { offset: 0 } }), "", "Range 0+");
      equal(await readText(storage, "empty.txt", { range: { offset: 0, length: 10 } }), "", "Range 0+10");
    },
    mutate: reading(({ range, ...others }, size) => ({
      ...others,
      ...(range && { range: { ...range, offset: range.offset === size ? size + 1 : range.offset } }),
    })),
  },
];

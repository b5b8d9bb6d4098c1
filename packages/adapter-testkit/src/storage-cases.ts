import { abortCases } from "./cases/abort.ts";
import { conditionalWriteCases } from "./cases/conditional-write.ts";
import { copyCases } from "./cases/copy.ts";
import { deleteCases } from "./cases/delete.ts";
import { listCases } from "./cases/list.ts";
import { nameCases } from "./cases/names.ts";
import { propertyCases } from "./cases/properties.ts";
import { readCases } from "./cases/read.ts";
import { readRangeCases } from "./cases/read-range.ts";
import { resumeCases } from "./cases/resume.ts";
import { statCases } from "./cases/stat.ts";
import { wholeWriteCases } from "./cases/whole-write.ts";
import { writeCases } from "./cases/write.ts";
import type { Mutate, StorageCase } from "./storage-case.ts";

/** Every rule of the storage contract that a test can hold an adapter to. */
export const storageCases: readonly StorageCase[] = Object.freeze([
  ...statCases,
  ...readCases,
  ...readRangeCases,
  ...listCases,
  ...writeCases,
  ...wholeWriteCases,
  ...conditionalWriteCases,
  ...propertyCases,
  ...resumeCases,
  ...copyCases,
  ...deleteCases,
  ...nameCases,
  ...abortCases,
]);

/** By case id, how to break a store so that this case fails: the proof that the case can fail. */
export const mutants: Readonly<Record<string, Mutate>> = Object.freeze(
  Object.fromEntries(storageCases.map(({ id, mutate }) => [id, mutate])),
);

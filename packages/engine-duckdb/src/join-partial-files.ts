import type { PartialFiles } from "./partial-files.ts";

/** The files of several tables as those of one. */
export function joinPartialFiles(all: readonly PartialFiles[]): PartialFiles {
  const any = async (task: (files: PartialFiles) => Promise<boolean>): Promise<boolean> => {
    const done: boolean[] = [];
    for (const files of all) done.push(await task(files));
    return done.includes(true);
  };
  return {
    async prepare(signal) {
      await Promise.all(all.map((files) => files.prepare(signal)));
    },
    skipsRows: () => all.some((files) => files.skipsRows()),
    complete: (signal) => any((files) => files.complete(signal)),
    completeFile: (path, signal) => any((files) => files.completeFile(path, signal)),
    columnsOf: (group) => [...group.types.keys()],
    describe: async (signal) => (await Promise.all(all.map((files) => files.describe(signal)))).flat(),
  };
}

import { createLayer, verb, writable } from "./storage-layer.ts";
import type { Renewable } from "./renewable.ts";
import { repeatVerbs } from "./repeat-verbs.ts";
import { repeat } from "./retry-pause.ts";
import type { SqlSource } from "./sql-source.ts";
import type { StorageAdapter } from "./storage.ts";

/**
 * A store of files whose operations go on with a new credential after a refusal, from where they are: a listing after
 * its last item, a body at its next byte.
 */
export function withRenewal(renewable: Renewable<StorageAdapter>): StorageAdapter {
  const close = async (): Promise<void> => {
    await Promise.all(renewable.all().map(async (store) => store.close?.()));
  };
  const shell = createLayer(renewable.current(), { ...follow(renewable.current), close });
  return repeatVerbs(shell, () => {
    let used = renewable.current();
    const current = (): StorageAdapter => (used = renewable.current());
    return { store: createLayer(used, follow(current)), pause: renewable.pause(() => used) };
  });
}

/** A database whose queries start anew with a new credential after a refusal; one whose rows flow has been let in. */
export function withSqlRenewal(renewable: Renewable<SqlSource>): SqlSource {
  const { contract, type, uri, parts } = renewable.current();
  return Object.freeze<SqlSource>({
    contract,
    type,
    uri,
    ...(parts && { parts }),
    query(statement, options) {
      let used = renewable.current();
      const start = (): ReturnType<SqlSource["query"]> =>
        (used = renewable.current()).query(statement, options);
      return repeat(
        start,
        renewable.pause(() => used),
        options?.signal,
      );
    },
    async close() {
      await Promise.all(renewable.all().map((source) => source.close()));
    },
  });
}

/** Verbs that ask for the store at each call. */
function follow(current: () => StorageAdapter): Parameters<typeof createLayer>[1] {
  return {
    stat: (path, o) => current().stat(path, o),
    list: (folder, o) => current().list(folder, o),
    read: (path, o) => current().read(path, o),
    write: (path, body, o) => writable(current())(path, body, o),
    keptBytes: async (path, resume, o) => current().keptBytes?.(path, resume, o) ?? 0,
    dropKept: async (path, resume, o) => current().dropKept?.(path, resume, o),
    delete: async (path, o) => current().delete?.(path, o),
    copySource: (path, o) => verb(current(), "copySource")(path, o),
    copyFrom: (source, path, o) => verb(current(), "copyFrom")(source, path, o),
    pathRights: (path, o) => current().pathRights?.(path, o) ?? nothing(),
  };
}

async function* nothing(): AsyncGenerator<never> {
  // Where rights are not kept per path there is none to tell.
}

import { AmlError, type AnyAdapterDefinition, type SqlSource, type StorageAdapter } from "@aml/core";

/** The adapter, with stores that refuse whatever would be sent. Those of this machine's files stay as they are. */
export function offlineAdapter(definition: AnyAdapterDefinition): AnyAdapterDefinition {
  const { signIn: _, ...rest } = definition;
  return Object.freeze({
    ...rest,
    open(input: never): StorageAdapter | SqlSource {
      const store = definition.open(input);
      if (store.contract !== "aml.storage/1") return offlineSql(store);
      return store.uri.startsWith("file:") ? store : offlineStorage(store);
    },
  });
}

function offlineSql(store: SqlSource): SqlSource {
  const { contract, type, uri, parts } = store;
  const query = (): Promise<never> => Promise.reject(offline(uri));
  return Object.freeze<SqlSource>({ contract, type, uri, parts, query, close: () => store.close() });
}

function offlineStorage(store: StorageAdapter): StorageAdapter {
  const refuse = (path: string): Promise<never> => Promise.reject(offline(`${store.uri}/${path}`));
  const { contract, type, uri, capabilities } = store;
  return Object.freeze<StorageAdapter>({
    contract,
    type,
    uri,
    capabilities,
    stat: refuse,
    // eslint-disable-next-line require-yield
    async *list(folder) {
      throw offline(`${uri}/${folder}`);
    },
    read: refuse,
    ...(store.write && { write: refuse }),
    ...(store.delete && { delete: refuse }),
    ...(store.close && { close: () => store.close?.() ?? Promise.resolve() }),
  });
}

function offline(uri: string): AmlError {
  return new AmlError("unavailable", `${uri} is not on this machine, and nothing is sent offline.`, {
    hint: "Go online; or read a version of a dataset that pins its files, and was read before: azureml:NAME:VERSION.",
    context: { uri },
  });
}

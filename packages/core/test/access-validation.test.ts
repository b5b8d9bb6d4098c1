import { AmlError, defineStorageAdapter, type AnyAdapterDefinition } from "@aml/core";
import { defineSqlAdapter, STORE_CREDENTIALS, type StoreType } from "@aml/core/adapter";
import { memoryRegistry, memorySecrets, memoryStorage } from "@aml/core/memory";
import { createSqlSource } from "@aml/core/sql";
import { createWorkspace } from "@aml/core/workspace";
import { expect, test } from "vitest";

const TYPES = Object.keys(STORE_CREDENTIALS) as StoreType[];
const DATABASES: readonly string[] = ["azure_sql", "postgresql", "mysql"];

/** A store of any type that counts what is asked of it, and refuses when told to. */
function definition(type: StoreType, asked: string[], mood: { refuses: boolean }): AnyAdapterDefinition {
  const ask = (what: string): void => {
    asked.push(what);
    if (mood.refuses) throw new AmlError("permission_denied", `May not ${what}.`);
  };
  const common = {
    type,
    credentialKinds: STORE_CREDENTIALS[type],
    parseOptions: (input: unknown) => input,
  };
  if (DATABASES.includes(type)) {
    return defineSqlAdapter({
      ...common,
      open: () =>
        createSqlSource({
          type,
          uri: `${type}://h/d`,
          dialect: { placeholder: () => "?", positional: true, quotes: { "'": "'" } },
          async start() {
            ask("query");
            return { schema: { columns: [] }, read: async () => undefined, cancel: async () => undefined };
          },
          close: async () => undefined,
        }),
    });
  }
  return defineStorageAdapter({
    ...common,
    open() {
      const disk = memoryStorage();
      return {
        ...disk,
        stat(path, options) {
          ask("stat");
          return disk.stat(path, options);
        },
        async *list(folder, options) {
          ask("list");
          yield* disk.list(folder, options);
        },
      };
    },
  });
}

test.each(TYPES)(
  "%s: access is checked at registration and by update and test, and by nothing else",
  async (type) => {
    const asked: string[] = [];
    const mood = { refuses: false };
    const { datastores } = createWorkspace({
      adapters: [definition(type, asked, mood)],
      registry: memoryRegistry(),
      secrets: memorySecrets(),
    });
    const look = DATABASES.includes(type) ? ["query"] : ["list", "stat"];
    const spec = { type, options: {} };
    const since = (): readonly string[] => asked.splice(0);

    await datastores.register({ ...spec, name: "a" });
    expect(since()).toEqual(look);
    await datastores.update("a", { description: "d" });
    expect(since()).toEqual(look);
    await datastores.test("a");
    expect(since()).toEqual(look);

    mood.refuses = true;
    await expect(datastores.register({ ...spec, name: "b" })).rejects.toMatchObject({
      code: "permission_denied",
    });
    await expect(datastores.update("a", { description: "e" })).rejects.toMatchObject({
      code: "permission_denied",
    });
    expect((await datastores.get("a")).description).toBe("d");
    await expect(datastores.get("b")).rejects.toMatchObject({ code: "not_found" });
    since();

    await datastores.register({ ...spec, name: "b" }, { skipValidation: true });
    await datastores.update("b", { description: "f" }, { skipValidation: true });
    for await (const _ of datastores.list()) continue;
    await datastores.get("b");
    await datastores.setDefault("b");
    await datastores.getDefault();
    await (DATABASES.includes(type) ? datastores.openSql("b") : datastores.open("b"));
    await datastores.delete("a");
    expect(since()).toEqual([]);
    await expect(datastores.test("b")).rejects.toMatchObject({ code: "permission_denied" });
  },
);

import { inspect } from "node:util";
import { isAmlError, parseStorePath, type AmlError, type StorageAdapter } from "@aml/core/adapter";
import { adlsGen1 } from "@aml/adls-gen1";
import { serve, type Gen1Access } from "@aml/emulator";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openStore, providerOf, startStore, stopStore, TOKEN, type TestStore } from "./gen1.ts";

const PATH = parseStorePath("folder/a.txt");
const GEN2 = "abfss://FILESYSTEM@contoso.dfs.core.windows.net/folder/a.txt";
type Verb = "stat" | "list" | "read" | "write" | "delete";

async function run(verb: Verb, storage: StorageAdapter): Promise<unknown> {
  switch (verb) {
    case "list":
      return storage.list(PATH)[Symbol.asyncIterator]().next();
    case "write":
      return storage.write?.(PATH, new Blob(["x"]).stream());
    default:
      return storage[verb]?.(PATH);
  }
}

async function failureOf(work: Promise<unknown> | undefined): Promise<AmlError> {
  const error = await work?.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (isAmlError(error)) return error;
  throw new Error(`No AmlError but ${inspect(error)}`);
}

/** A store whose service answers every call alike. */
function answering(respond: () => Response): StorageAdapter {
  return adlsGen1.open({
    options: adlsGen1.parseOptions({ storeName: "contoso" }),
    credential: { kind: "identity" },
    tokenProvider: providerOf(TOKEN),
    fetch: async () => respond(),
    onWarning: () => undefined,
  });
}

const rows: readonly (readonly [Verb, number, string, string, AmlError["code"], RegExp, RegExp])[] = [
  [
    "stat",
    404,
    "FileNotFoundException",
    "No [id].",
    "not_found",
    /no file or folder 'folder\/a.txt' in store 'contoso'/,
    /case-sensitive/,
  ],
  ["write", 403, "FileAlreadyExistsException", "Taken.", "already_exists", /exists already/, /another path/],
  ["write", 403, "ParentNotDirectoryException", "A file.", "already_exists", /below a file/, /another path/],
  [
    "delete",
    403,
    "PathIsNotEmptyDirectoryException",
    "Full.",
    "precondition_failed",
    /not empty/,
    /recursively/,
  ],
  ["read", 400, "BadOffsetException", "Offset.", "range_not_satisfiable", /past the end/, /size/],
  [
    "read",
    403,
    "AccessControlException",
    "ACL.",
    "permission_denied",
    /may not read/,
    /x on \/ and \/folder and r-- on \/folder\/a\.txt/,
  ],
  ["list", 403, "AccessControlException", "ACL.", "permission_denied", /may not list/, /r-x/],
  ["stat", 400, "IllegalArgumentException", "Bad name.", "path_invalid", /Bad name/, /names/],
  [
    "stat",
    400,
    "UnsupportedOperationException",
    "Never.",
    "unsupported",
    /Never/,
    /retired on 29 February 2024/,
  ],
  ["list", 429, "ThrottledException", "Slow.", "rate_limited", /too often/, /Wait/],
  ["read", 500, "RuntimeException", "Bug.", "unavailable", /failed to answer/, /retired/],
  ["read", 401, "", "", "auth_failed", /refused the access token/, /tenant/],
  ["read", 503, "", "", "unavailable", /failed to answer/, /retired/],
  ["read", 504, "", "", "timeout", /failed to answer/, /again/],
  ["read", 418, "TeapotException", "Short.", "internal", /Short/, /report/],
  ["read", 404, "", "", "unavailable", /does not answer as a Data Lake store/, /retired/],
];

describe("each answer of the service has its row", () => {
  test.each(rows)("%s %i %s", async (verb, status, exception, said, code, message, hint) => {
    const body =
      exception === "" ? {} : { RemoteException: { exception, message: said, javaClassName: "x" } };
    const respond = (): Response => Response.json(body, { status, headers: { "x-ms-request-id": "r-1" } });
    const error = await failureOf(run(verb, answering(respond)));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.hint ?? "").toMatch(hint);
    expect(error.context).toMatchObject({ store: "contoso", status, requestId: "r-1" });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(TOKEN);
  });

  test.each([
    [200, "<html>Parked</html>"],
    [302, ""],
    [404, "<html>Not found</html>"],
  ])("a page of somebody else, %i, names the Gen2 URI", async (status, body) => {
    const error = await failureOf(
      run(
        "stat",
        answering(() => new Response(body, { status })),
      ),
    );
    expect(error).toMatchObject({ code: "unavailable", hint: expect.stringContaining(GEN2) });
    expect(inspect(error)).not.toContain("html");
  });

  test("Retry-After is passed on", async () => {
    const busy = (): Response => new Response("{}", { status: 429, headers: { "retry-after": "7" } });
    expect((await failureOf(run("stat", answering(busy)))).retryAfterMs).toBe(7000);
  });
});

const BITS = {
  stat: "x on / and /folder",
  list: "x on / and /folder and r-x on /folder/a.txt",
  read: "x on / and /folder and r-- on /folder/a.txt",
  write: "-wx on /",
  delete: "x on / and -wx on /folder (and rwx on every folder below, to delete recursively)",
} as const;

describe("on real sockets", () => {
  let store: TestStore;
  let denied: ((access: Gen1Access) => boolean) | undefined;
  beforeAll(async () => {
    store = await startStore((access) => denied?.(access) !== true);
  });
  beforeEach(() => {
    denied = undefined;
  });
  afterAll(() => stopStore(store));

  test.each(["stat", "list", "read", "write", "delete"] as const)("a wrong token, for %s", async (verb) => {
    const error = await failureOf(
      run(verb, openStore(store, { tokenProvider: providerOf("gen1-wrong-11f") })),
    );
    expect(error).toMatchObject({
      code: "auth_failed",
      message: "Store 'contoso' refused the access token of the identity of the given token.",
    });
    expect(inspect(error, { depth: 9 })).not.toContain("gen1-wrong-11f");
  });

  test.each(["stat", "list", "read", "write", "delete"] as const)("a missing right, for %s", async (verb) => {
    const storage = openStore(store);
    await storage.write?.(PATH, new Blob(["x"]).stream());
    denied = ({ operation }) => operation !== "GETFILESTATUS" || verb === "stat";
    const error = await failureOf(run(verb, storage));
    expect(error).toMatchObject({
      code: "permission_denied",
      message: expect.stringContaining("'folder/a.txt' in store 'contoso'"),
      hint: `Grant in the access lists of store 'contoso' to the identity of the given token: ${BITS[verb]}.`,
    });
  });

  test("a host that is no more says where the data went", async () => {
    const closed = await startStore();
    await stopStore(closed);
    const nobody = await failureOf(run("read", openStore(closed)));
    expect(nobody).toMatchObject({
      code: "unavailable",
      message: `Nothing listens at 127.0.0.1:${closed.server.port}.`,
      hint: expect.stringContaining(GEN2),
    });
    const nowhere = await failureOf(
      run("read", openStore(store, { endpoint: "azuredatalakestore.invalid" })),
    );
    expect(nowhere).toMatchObject({
      code: "unavailable",
      message: "There is no host contoso.azuredatalakestore.invalid.",
      hint: `Azure Data Lake Storage Gen1 was retired on 29 February 2024. If the data was migrated, read it as ${GEN2}.`,
    });
  });

  test("a certificate that nobody trusts", async () => {
    await using secure = await serve(store.emulator.service, { https: true });
    const error = await failureOf(run("stat", openStore(store, { endpoint: secure.url })));
    expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("No trusted TLS") });
  });

  test("a directory for a file and the reverse", async () => {
    const storage = openStore(store);
    await storage.write?.(PATH, new Blob(["x"]).stream());
    expect((await failureOf(storage.read(parseStorePath("folder")))).code).toBe("not_found");
    const over = await failureOf(storage.write?.(parseStorePath("folder"), new Blob(["x"]).stream()));
    expect(over.code).toBe("already_exists");
    const below = await failureOf(
      storage.write?.(parseStorePath("folder/a.txt/b"), new Blob(["x"]).stream()),
    );
    expect(below.code).toBe("already_exists");
    expect(below.message + String(below.hint)).not.toContain(".partial");
    const items = [];
    for await (const item of storage.list(PATH)) items.push(item);
    expect(items).toEqual([]);
    const removed = await failureOf(storage.delete?.(parseStorePath("folder")));
    expect(removed).toMatchObject({
      code: "precondition_failed",
      hint: expect.stringContaining("recursively"),
    });
  });

  test("an abort is given back as it is", async () => {
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    const storage = openStore(store);
    await expect(storage.stat(PATH, { signal })).rejects.toBe(reason);
    await expect(storage.read(PATH, { signal })).rejects.toBe(reason);
    await expect(storage.write?.(PATH, new Blob(["x"]).stream(), { signal })).rejects.toBe(reason);
    await expect(storage.delete?.(PATH, { signal })).rejects.toBe(reason);
    await expect(storage.list(PATH, { signal })[Symbol.asyncIterator]().next()).rejects.toBe(reason);
  });
});

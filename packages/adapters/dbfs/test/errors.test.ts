import { inspect } from "node:util";
import { AmlError, isAmlError, parseStorePath, Secret, type StorageAdapter } from "@aml/core/adapter";
import { dbfs } from "@aml/dbfs";
import { serve, type DbfsAccess } from "@aml/emulator";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import {
  client,
  CLIENT_ID,
  CLIENT_SECRET,
  openStore,
  startWorkspace,
  token,
  TOKEN,
  volumePath,
  type DbfsCredential,
  type TestWorkspace,
} from "./workspace.ts";

const PATH = parseStorePath("folder/a.txt");
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

async function failureOf(work: Promise<unknown>): Promise<AmlError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (isAmlError(error)) return error;
  throw new Error(`No AmlError but ${inspect(error)}`);
}

/** A store whose service answers every call alike. */
function answering(
  respond: () => Response,
  path: string,
  credential: DbfsCredential = token,
): StorageAdapter {
  const options = dbfs.parseOptions({ host: "adb-1.2.azuredatabricks.net", path });
  return dbfs.open({ options, credential, fetch: async () => respond() });
}

const DBFS = "dbfs:/mnt/x";
const VOLUME = "/Volumes/main/default/data";
const NO_RIGHT = "PERMISSION_DENIED";

const rows: readonly (readonly [Verb, string, number, string, string, AmlError["code"], RegExp, RegExp])[] = [
  [
    "stat",
    DBFS,
    404,
    "RESOURCE_DOES_NOT_EXIST",
    "No.",
    "not_found",
    /no file or folder 'folder\/a.txt' in dbfs:\/mnt\/x/,
    /case-sensitive/,
  ],
  [
    "read",
    VOLUME,
    404,
    "NOT_FOUND",
    "No.",
    "not_found",
    /no file or folder .* in \/Volumes\/main/,
    /case-sensitive/,
  ],
  [
    "write",
    DBFS,
    400,
    "RESOURCE_ALREADY_EXISTS",
    "Taken.",
    "already_exists",
    /exists already/,
    /another path/,
  ],
  ["write", VOLUME, 409, "ALREADY_EXISTS", "Taken.", "already_exists", /exists already/, /another path/],
  [
    "delete",
    DBFS,
    400,
    "IO_ERROR",
    "Directory is not empty.",
    "precondition_failed",
    /not empty/,
    /recursively/,
  ],
  ["write", DBFS, 400, "IO_ERROR", "Parent is a file.", "precondition_failed", /Parent is a file/, /no file/],
  [
    "stat",
    DBFS,
    400,
    "INVALID_PARAMETER_VALUE",
    "Bad path.",
    "path_invalid",
    /Bad path/,
    /names in the path/,
  ],
  ["read", VOLUME, 416, "OUT_OF_RANGE", "No.", "range_not_satisfiable", /past the end/, /size/],
  ["read", VOLUME, 412, "FAILED_PRECONDITION", "No.", "precondition_failed", /changed/, /again/],
  ["read", VOLUME, 403, NO_RIGHT, "No.", "permission_denied", /may not read/, /READ VOLUME/],
  ["write", VOLUME, 403, NO_RIGHT, "No.", "permission_denied", /may not write/, /WRITE VOLUME/],
  ["list", DBFS, 403, NO_RIGHT, "No.", "permission_denied", /may not list/, /admin/],
  [
    "stat",
    DBFS,
    403,
    "403",
    "Invalid access token.",
    "auth_failed",
    /refused the personal access token/,
    /they expire/,
  ],
  ["stat", DBFS, 401, "401", "Credential was not sent.", "auth_failed", /refused/, /personal access token/],
  [
    "stat",
    DBFS,
    404,
    "ENDPOINT_NOT_FOUND",
    "No API.",
    "config_invalid",
    /does not answer as a Databricks/,
    /host/,
  ],
  [
    "stat",
    DBFS,
    400,
    "FEATURE_DISABLED",
    "DBFS is disabled.",
    "unsupported",
    /DBFS is disabled/,
    /use a volume/,
  ],
  ["list", DBFS, 429, "REQUEST_LIMIT_EXCEEDED", "Slow down.", "rate_limited", /too often/, /Wait/],
  ["list", DBFS, 503, "TEMPORARILY_UNAVAILABLE", "Later.", "unavailable", /failed to answer/, /status page/],
  ["read", VOLUME, 500, "INTERNAL_ERROR", "Bug.", "unavailable", /failed to answer/, /status page/],
  ["list", VOLUME, 504, "DEADLINE_EXCEEDED", "Late.", "timeout", /failed to answer/, /Try again/],
  ["read", DBFS, 400, "MAX_READ_SIZE_EXCEEDED", "Too much.", "internal", /Too much/, /Report/],
  ["read", VOLUME, 418, "SHORT_AND_STOUT", "A teapot.", "internal", /A teapot/, /report/],
];

describe("each answer of the service has its row", () => {
  test.each(rows)("%s %s %i %s", async (verb, root, status, serviceCode, said, code, message, hint) => {
    const respond = (): Response =>
      Response.json(
        { error_code: serviceCode, message: said },
        { status, headers: { "x-request-id": "r-1" } },
      );
    const error = await failureOf(run(verb, answering(respond, root)));
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
    expect(error.hint ?? "").toMatch(hint);
    expect(error.context).toMatchObject({
      host: "adb-1.2.azuredatabricks.net",
      status,
      serviceCode,
      requestId: "r-1",
    });
    expect(inspect(error, { depth: 9, showHidden: true })).not.toContain(TOKEN);
  });

  test.each([
    [200, "<html>Sign in</html>", "config_invalid"],
    [302, "", "config_invalid"],
    [404, "<html>Not found</html>", "config_invalid"],
    [403, "<html>Forbidden</html>", "permission_denied"],
    [502, "<html>Bad gateway</html>", "unavailable"],
    [429, "<html>Slow</html>", "rate_limited"],
  ])("a page for people, %i", async (status, body, code) => {
    const error = await failureOf(
      run(
        "stat",
        answering(() => new Response(body, { status }), DBFS),
      ),
    );
    expect(error.code).toBe(code);
    expect(inspect(error)).not.toContain("html");
  });

  test("Retry-After is passed on, in seconds and as a date", async () => {
    const busy = (value: string) => () =>
      new Response("{}", { status: 429, headers: { "retry-after": value } });
    expect((await failureOf(run("stat", answering(busy("7"), DBFS)))).retryAfterMs).toBe(7000);
    const date = new Date(Date.now() + 60_000).toUTCString();
    const { retryAfterMs = 0 } = await failureOf(run("stat", answering(busy(date), DBFS)));
    expect(retryAfterMs).toBeGreaterThan(50_000);
    expect(retryAfterMs).toBeLessThanOrEqual(60_000);
  });
});

describe("on real sockets", () => {
  let workspace: TestWorkspace;
  let denied: ((access: DbfsAccess) => boolean) | undefined;
  beforeAll(async () => {
    workspace = await startWorkspace({ mayAccess: (access) => denied?.(access) !== true });
  });
  beforeEach(() => {
    denied = undefined;
  });
  afterAll(() => workspace.server.close());

  test.each(["stat", "list", "read", "write", "delete"] as const)("a wrong token, for %s", async (verb) => {
    for (const path of ["dbfs:/x", volumePath()]) {
      const wrong: DbfsCredential = { kind: "access_token", token: new Secret("dapi-wrong-7b1") };
      const error = await failureOf(run(verb, openStore(workspace, wrong, { path })));
      expect(error).toMatchObject({
        code: "auth_failed",
        hint: expect.stringContaining("personal access token"),
      });
      expect(inspect(error, { depth: 9 })).not.toContain("dapi-wrong-7b1");
    }
  });

  test.each(["stat", "list", "read", "write", "delete"] as const)("a missing right, for %s", async (verb) => {
    denied = () => true;
    const inDbfs = await failureOf(run(verb, openStore(workspace)));
    expect(inDbfs).toMatchObject({
      code: "permission_denied",
      message: expect.stringContaining("The credential of the owner of the personal access token may not "),
      hint: expect.stringContaining(
        `Have a workspace admin grant the entitlement "Workspace access" on ${new URL(workspace.server.url).host} to the owner`,
      ),
    });
    const inVolume = await failureOf(run(verb, openStore(workspace, client, { path: VOLUME })));
    const right = verb === "write" || verb === "delete" ? "READ VOLUME and WRITE VOLUME" : "READ VOLUME";
    expect(inVolume).toMatchObject({
      code: "permission_denied",
      message: expect.stringContaining("'folder/a.txt' in /Volumes/main/default/data"),
      hint: `Grant "${right}" on volume main.default.data to service principal ${CLIENT_ID}, with USE SCHEMA on main.default and USE CATALOG on main.`,
    });
  });

  test("a wrong secret of a client, and an unknown one", async () => {
    for (const clientId of [CLIENT_ID, "unknown"]) {
      const clientSecret = new Secret("dose-wrong-51c0");
      const credential: DbfsCredential = { kind: "oauth_client", clientId, clientSecret };
      const error = await failureOf(run("read", openStore(workspace, credential)));
      expect(error).toMatchObject({ code: "auth_failed", hint: expect.stringContaining("OAuth secret") });
      expect(inspect(error, { depth: 9 })).not.toMatch(/dose-wrong-51c0|ZG9zZS13cm9uZ/);
    }
  });

  test("a volume that is not there", async () => {
    const storage = openStore(workspace, token, { path: "/Volumes/main/default/none" });
    expect((await failureOf(run("stat", storage))).code).toBe("not_found");
    expect((await failureOf(run("write", storage))).code).toBe("not_found");
  });

  test("nothing listens; no such host", async () => {
    const { server } = await startWorkspace();
    await server.close();
    for (const credential of [token, client]) {
      const closed = openStore(workspace, credential, { host: server.url });
      expect(await failureOf(run("read", closed))).toMatchObject({
        code: "unavailable",
        message: `Nothing listens at 127.0.0.1:${server.port}.`,
      });
      const nowhere = openStore(workspace, credential, { host: "adb-1.invalid" });
      const error = await failureOf(run("read", nowhere));
      expect(error).toMatchObject({ code: "unavailable", message: "There is no host adb-1.invalid." });
      expect(inspect(error, { depth: 9 })).not.toContain(CLIENT_SECRET);
    }
  });

  test("a certificate that nobody trusts", async () => {
    await using secure = await serve(workspace.emulator.service, { https: true });
    const error = await failureOf(run("stat", openStore(workspace, token, { host: secure.url })));
    expect(error).toMatchObject({ code: "unavailable", message: expect.stringContaining("No trusted TLS") });
  });

  test.each([DBFS, VOLUME])("a directory for a file and the reverse, %s", async (path) => {
    const storage = openStore(workspace, token, { path: `${path}/${crypto.randomUUID()}` });
    await storage.write?.(PATH, new Blob(["x"]).stream());
    const read = await failureOf(storage.read(parseStorePath("folder")));
    expect(read.code).toBe("not_found");
    const over = await failureOf(
      storage.write?.(parseStorePath("folder"), new Blob(["x"]).stream()) ?? Promise.resolve(),
    );
    expect(over.code).toBe("already_exists");
    const items = [];
    for await (const item of storage.list(PATH)) items.push(item);
    expect(items).toEqual([]);
    const removed = await failureOf(storage.delete?.(parseStorePath("folder")) ?? Promise.resolve());
    expect(removed).toMatchObject({
      code: "precondition_failed",
      hint: expect.stringContaining("recursively"),
    });
  });

  test.each([DBFS, VOLUME])("ifMatch matches nothing, %s", async (path) => {
    const storage = openStore(workspace, token, { path });
    expect((await failureOf(storage.read(PATH, { ifMatch: '"x"' }))).code).toBe("precondition_failed");
  });

  test("an abort is given back as it is", async () => {
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    for (const path of [DBFS, VOLUME]) {
      const storage = openStore(workspace, client, { path });
      await expect(storage.stat(PATH, { signal })).rejects.toBe(reason);
      await expect(storage.read(PATH, { signal })).rejects.toBe(reason);
      await expect(storage.write?.(PATH, new Blob(["x"]).stream(), { signal })).rejects.toBe(reason);
      await expect(storage.delete?.(PATH, { signal })).rejects.toBe(reason);
      await expect(storage.list(PATH, { signal })[Symbol.asyncIterator]().next()).rejects.toBe(reason);
    }
  });
});

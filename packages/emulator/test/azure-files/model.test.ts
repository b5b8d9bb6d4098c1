import { size as sizeOf } from "@aml/kit/runs";
import type { ShareClient } from "@azure/storage-file-share";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startFiles, type FilesServer } from "./files-server.ts";

let server: FilesServer;
beforeAll(async () => {
  server = await startFiles({ pageSize: 2 });
});
afterAll(() => server[Symbol.asyncDispose]());

/** What a share is: entries by upper-cased path, a directory without bytes. */
type Model = Map<string, { readonly path: string; readonly bytes?: Uint8Array | undefined }>;

const name = fc.constantFrom("a", "A", "b", "ü");
// A few often, so that commands meet.
const path = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("a", "A", "a/b") },
  { weight: 1, arbitrary: fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/")) },
);
const size = fc.nat({ max: 12 });
const anyCommand = fc.oneof(
  fc.record({ does: fc.constant("mkdir" as const), path }),
  fc.record({ does: fc.constant("rmdir" as const), path }),
  fc.record({ does: fc.constant("create" as const), path, size }),
  fc.record({
    does: fc.constant("put" as const),
    path,
    at: size,
    text: fc.string({ minLength: 1, maxLength: 6 }),
  }),
  fc.record({ does: fc.constant("clear" as const), path, at: size, size: fc.integer({ min: 1, max: 6 }) }),
  fc.record({ does: fc.constant("resize" as const), path, size }),
  fc.record({ does: fc.constant("rename" as const), path, to: path, replace: fc.boolean() }),
  fc.record({ does: fc.constant("delete" as const), path }),
);
type Command = typeof anyCommand extends fc.Arbitrary<infer C> ? C : never;

const keyOf = (text: string): string => text.toUpperCase();
const parentOf = (text: string): string => text.slice(0, Math.max(0, text.lastIndexOf("/")));
const isDirectory = (model: Model, at: string): boolean => {
  const entry = model.get(keyOf(at));
  return at === "" || (entry !== undefined && entry.bytes === undefined);
};

/** The path as it is stored: what is there already keeps its spelling. */
function spelled(model: Model, at: string): string {
  const there = model.get(keyOf(at));
  if (there) return there.path;
  const parent = parentOf(at);
  return parent === "" ? at : `${spelled(model, parent)}${at.slice(parent.length)}`;
}

/** Changes the model, or tells the code that the service has to answer with. */
function apply(model: Model, command: Command): string | undefined {
  const { path: at } = command;
  const key = keyOf(at);
  const entry = model.get(key);
  const orphan = !isDirectory(model, parentOf(at));
  const set = (bytes: Uint8Array | undefined): undefined => {
    model.set(key, { path: spelled(model, at), bytes });
  };
  const drop = (): undefined => {
    model.delete(key);
  };
  switch (command.does) {
    case "mkdir":
      if (entry) return entry.bytes ? "ResourceTypeMismatch" : "ResourceAlreadyExists";
      if (orphan) return "ParentNotFound";
      return set(undefined);
    case "create":
      if (entry && !entry.bytes) return "ResourceTypeMismatch";
      if (orphan) return "ParentNotFound";
      // The new file has the new spelling.
      model.delete(key);
      return set(new Uint8Array(command.size));
    case "rename":
      return applyRename(model, at, command.to, command.replace);
    default:
  }
  if (!entry) return orphan ? "ParentNotFound" : "ResourceNotFound";
  const wantsFile = command.does !== "rmdir";
  if (wantsFile !== (entry.bytes !== undefined)) return "ResourceTypeMismatch";
  const bytes = entry.bytes ?? new Uint8Array();
  switch (command.does) {
    case "rmdir":
      if ([...model.keys()].some((other) => other.startsWith(`${key}/`))) return "DirectoryNotEmpty";
      return drop();
    case "delete":
      return drop();
    case "put": {
      const text = new TextEncoder().encode(command.text);
      if (command.at + text.byteLength > bytes.byteLength) return "InvalidRange";
      const changed = bytes.slice();
      changed.set(text, command.at);
      return set(changed);
    }
    case "clear":
      if (command.at + command.size > bytes.byteLength) return "InvalidRange";
      return set(bytes.slice().fill(0, command.at, command.at + command.size));
    default: {
      const changed = new Uint8Array(command.size);
      changed.set(bytes.subarray(0, command.size));
      return set(changed);
    }
  }
}

function applyRename(model: Model, from: string, to: string, replace: boolean): string | undefined {
  const source = model.get(keyOf(from));
  const target = model.get(keyOf(to));
  if (!source) return "ResourceNotFound";
  if (!source.bytes) return "ResourceTypeMismatch";
  if (target && target !== source) {
    if (!target.bytes) return "ResourceTypeMismatch";
    if (!replace) return "ResourceAlreadyExists";
  }
  if (!isDirectory(model, parentOf(to))) return "ParentNotFound";
  model.delete(keyOf(from));
  model.delete(keyOf(to));
  model.set(keyOf(to), { path: spelled(model, to), bytes: source.bytes });
  return undefined;
}

async function run(share: ShareClient, command: Command): Promise<string | undefined> {
  const root = share.rootDirectoryClient;
  const file = root.getFileClient(command.path);
  const directory = root.getDirectoryClient(command.path);
  const calls = {
    mkdir: () => directory.create(),
    rmdir: () => directory.delete(),
    delete: () => file.delete(),
    create: () => file.create("size" in command ? command.size : 0),
    resize: () => file.resize("size" in command ? command.size : 0),
    put: () =>
      command.does === "put"
        ? file.uploadRange(command.text, command.at, Buffer.byteLength(command.text))
        : 0,
    clear: () => (command.does === "clear" ? file.clearRange(command.at, command.size) : 0),
    rename: () =>
      command.does === "rename" ? file.rename(command.to, { replaceIfExists: command.replace }) : 0,
  };
  try {
    await calls[command.does]();
    return undefined;
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
}

async function walk(share: ShareClient, at: string, found: Record<string, string>): Promise<void> {
  const directory = at === "" ? share.rootDirectoryClient : share.getDirectoryClient(at);
  for await (const { name: entry, kind } of directory.listFilesAndDirectories()) {
    const below = at === "" ? entry : `${at}/${entry}`;
    if (kind === "directory") {
      found[below] = "directory";
      await walk(share, below, found);
    } else {
      const client = share.rootDirectoryClient.getFileClient(below);
      const { contentLength = 0 } = await client.getProperties();
      found[below] = contentLength === 0 ? "" : (await client.downloadToBuffer()).toString("hex");
    }
  }
}

test("a share is what a map of paths would be, whatever is done to it", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyCommand, { maxLength: 25 }), async (commands) => {
      const share = await server.share();
      const model: Model = new Map();
      const first: Command[] = [
        { does: "create", path: "a", size: 12 },
        { does: "put", path: "a", at: 0, text: "abcdefghijkl" },
      ];
      for (const each of [...first, ...commands])
        expect([each, await run(share, each)]).toEqual([each, apply(model, each)]);
      const found: Record<string, string> = {};
      await walk(share, "", found);
      const expected = [...model.values()].map(({ path: at, bytes }) => [
        at,
        bytes === undefined ? "directory" : Buffer.from(bytes).toString("hex"),
      ]);
      expect(found).toEqual(Object.fromEntries(expected));
      await share.delete();
    }),
    { numRuns: sizeOf(60, 10) },
  );
});

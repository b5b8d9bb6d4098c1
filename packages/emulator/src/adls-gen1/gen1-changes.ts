import { existing, find, metadataFor, metadataOf, treePath, type Gen1Call } from "./gen1-call.ts";
import { alreadyThere, Gen1Error, illegal } from "./gen1-error.ts";

function done(value = true): Response {
  return Response.json({ boolean: value });
}

/** Visible at once, and grows as its body comes. No redirect: the client says `write=true`. */
export async function create(call: Gen1Call): Promise<Response> {
  const { tree, path, query, request } = call;
  const there = find(call, path);
  if (there !== undefined && (there.kind === "directory" || !query.flag("overwrite")))
    throw alreadyThere(path);
  const metadata = metadataFor(call, query.text("permission"));
  const { id } = tree.createFile(path, { parents: true, replace: true, metadata });
  await append(call, id);
  return new Response(null, { status: 201, headers: { location: request.url, contentlength: "0" } });
}

async function append({ tree, path, request }: Gen1Call, id: number): Promise<void> {
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    if (tree.stat(path)?.id !== id)
      throw new Gen1Error(404, "FileNotFoundException", `File is gone: /${path}`);
    tree.append(path, chunk);
  }
}

export async function appendTo(call: Gen1Call): Promise<Response> {
  const { path, query } = call;
  const node = existing(call);
  if (node.kind === "directory") throw alreadyThere(path);
  const offset = query.count("offset");
  if (offset !== undefined && offset !== node.size) {
    throw new Gen1Error(
      400,
      "BadOffsetException",
      `Invalid offset ${offset}, the file has ${node.size} bytes: /${path}`,
      "com.microsoft.azure.datalake.store",
    );
  }
  await append(call, node.id);
  return new Response(null);
}

export function remove(call: Gen1Call): Response {
  const { tree, path, query } = call;
  if (find(call, path) === undefined) return done(false);
  tree.delete(path, { recursive: query.flag("recursive") });
  return done();
}

export function mkdirs(call: Gen1Call): Response {
  const { tree, path, query } = call;
  if (find(call, path)?.kind === "file") throw alreadyThere(path);
  const metadata = metadataFor(call, query.text("permission"));
  tree.createDirectory(path, { parents: true, reuse: true, metadata });
  return done();
}

/** As HDFS: into a folder that is there; over a file only with `renameoptions=OVERWRITE`. */
export function rename(call: Gen1Call): Response {
  const { tree, path, query } = call;
  const destination = query.text("destination");
  if (destination === undefined) throw illegal("Missing required parameter destination");
  const node = find(call, path);
  if (node === undefined) return done(false);
  let to = treePath(destination);
  if (find(call, to)?.kind === "directory") to = [to, node.name].filter(Boolean).join("/");
  const there = find(call, to);
  const overwrite = query.text("renameoptions")?.toUpperCase() === "OVERWRITE";
  const above = to.includes("/") ? find(call, to.slice(0, to.lastIndexOf("/"))) : undefined;
  const refused =
    to === path ||
    to.startsWith(`${path}/`) ||
    (to.includes("/") && above?.kind !== "directory") ||
    (there !== undefined && !(overwrite && there.kind === "file" && node.kind === "file"));
  if (refused) return done(false);
  tree.move(path, to, { replace: true });
  return done();
}

/** Puts files together in the place of the first of them, or of what was at the path; the sources go. */
export async function msConcat(call: Gen1Call): Promise<Response> {
  const { tree, path, query, request } = call;
  const sources = sourcesOf(await request.text());
  if (sources.length === 0) throw illegal("No sources to concatenate");
  tree.transaction(() => {
    for (const source of sources) if (existing(call, source).kind === "directory") throw alreadyThere(source);
    if (find(call, path) === undefined) tree.createFile(path, { parents: true, metadata: metadataFor(call) });
    for (const source of sources) {
      const { size } = existing(call, source);
      for (let offset = 0; offset < size; offset += 1024 * 1024)
        tree.append(path, tree.readBytes(source, { offset, length: 1024 * 1024 }));
      tree.delete(source);
    }
    const [folder] = new Set(sources.map((source) => source.slice(0, Math.max(0, source.lastIndexOf("/")))));
    if (query.flag("deleteSourceDirectory") && folder) tree.delete(folder, { recursive: true });
  });
  return new Response(null);
}

/** `sources=/a,/b`, or since 2018 JSON. */
function sourcesOf(body: string): readonly string[] {
  if (!body.startsWith("{")) {
    const [, list = ""] = /^sources=(.*)$/s.exec(body) ?? [];
    return list.split(",").filter(Boolean).map(treePath);
  }
  try {
    const { sources } = JSON.parse(body) as { sources?: unknown };
    if (Array.isArray(sources)) return sources.map((source) => treePath(String(source)));
  } catch {
    // Told below.
  }
  throw illegal("The body names no sources");
}

export function setExpiry(call: Gen1Call): Response {
  const { tree, path, query, now } = call;
  const node = existing(call);
  if (node.kind === "directory") throw illegal("A folder has no expiry time");
  const time = query.count("expireTime") ?? 0;
  const start: Readonly<Record<string, number>> = {
    relativetonow: now(),
    relativetocreationdate: node.createdAt.getTime(),
    absolute: 0,
  };
  const option = query.text("expiryOption")?.toLowerCase() ?? "";
  if (option !== "neverexpire" && start[option] === undefined)
    throw illegal(`Invalid expiryOption ${option}`);
  const expiresAt = option === "neverexpire" ? 0 : (start[option] ?? 0) + time;
  tree.update(path, { metadata: { ...metadataOf(node), expiresAt }, modifiedAt: node.modifiedAt });
  return new Response(null);
}

export function setTimes(call: Gen1Call): Response {
  const node = existing(call);
  const time = call.query.count("modificationtime");
  call.tree.update(call.path, { modifiedAt: time === undefined ? node.modifiedAt : new Date(time) });
  return new Response(null);
}

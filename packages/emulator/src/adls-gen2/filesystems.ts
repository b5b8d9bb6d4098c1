import { newAccess } from "./access-control.ts";
import { formatProperties, metadataHeaders, parseProperties } from "./properties.ts";
import { positive } from "./list-paths.ts";
import type { Route } from "./route.ts";
import { must, newDirectory, requireFilesystem, type State } from "./state.ts";
import { refusal } from "./storage-refusal.ts";

const CONTAINER = { restype: "container" };
const VALID = /^(\$root|\$web|[a-z0-9](?!.*--)[a-z0-9-]{1,61}[a-z0-9])$/;

/** Filesystem Create, Get Properties, Set Properties and Delete. */
export async function answerFilesystem(state: State, route: Route, request: Request): Promise<Response> {
  const { filesystem } = route;
  if (!VALID.test(filesystem)) throw refusal("InvalidResourceName");
  const metadata = metadataHeaders(parseProperties(request.headers.get("x-ms-properties")));
  switch (request.method) {
    case "PUT": {
      const made = await must(
        await state.store.send({ method: "PUT", path: filesystem, query: CONTAINER, headers: metadata }),
      );
      registerFilesystem(state, filesystem);
      return answer(201, made.headers, { "x-ms-namespace-enabled": "true" });
    }
    case "HEAD": {
      requireFilesystem(state, filesystem);
      const { headers } = await must(
        await state.store.send({ method: "HEAD", path: filesystem, query: CONTAINER }),
      );
      const properties = formatProperties(metadataOf(headers));
      return answer(200, headers, {
        "x-ms-namespace-enabled": "true",
        ...(properties !== "" && { "x-ms-properties": properties }),
      });
    }
    case "PATCH": {
      requireFilesystem(state, filesystem);
      const query = { ...CONTAINER, comp: "metadata" };
      const set = await must(
        await state.store.send({ method: "PUT", path: filesystem, query, headers: metadata }),
      );
      return answer(200, set.headers, {});
    }
    case "DELETE": {
      requireFilesystem(state, filesystem);
      await must(await state.store.send({ method: "DELETE", path: filesystem, query: CONTAINER }));
      forgetFilesystem(state, filesystem);
      return answer(202, new Headers(), {});
    }
    default:
      throw refusal("UnsupportedHttpVerb");
  }
}

function answer(status: number, from: Headers, more: Readonly<Record<string, string>>): Response {
  const headers = new Headers({ "content-length": "0", ...more });
  for (const name of ["etag", "last-modified"]) {
    const value = from.get(name);
    if (value !== null) headers.set(name, value);
  }
  return new Response(null, { status, headers });
}

function metadataOf(headers: Headers): Record<string, string> {
  const prefix = "x-ms-meta-";
  return Object.fromEntries(
    [...headers].flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  );
}

/** Filesystem List. */
export async function listFilesystems(state: State, { query }: Route): Promise<Response> {
  const prefix = query.get("prefix") ?? "";
  const after = query.get("continuation") ?? "";
  const most = Math.min(positive(query.get("maxResults")) ?? state.pageSize, state.pageSize);
  const names = state.namespace.filesystems().filter((name) => name.startsWith(prefix) && name > after);
  const filesystems = names.slice(0, most).map((name) => {
    const root = state.namespace.get(name, "");
    return {
      name,
      etag: root?.etag.replaceAll('"', ""),
      lastModified: new Date(root?.modifiedAt ?? 0).toUTCString(),
    };
  });
  const last = filesystems.at(-1)?.name;
  const more = names.length > most && last !== undefined;
  return Response.json({ filesystems }, { headers: more ? { "x-ms-continuation": last } : {} });
}

/** Gives a container its tree. */
export function registerFilesystem({ namespace }: State, name: string): void {
  const access = newAccess("directory", undefined, { permissions: "0750", umask: "0000" });
  if (!namespace.hasFilesystem(name)) namespace.apply(["filesystem", name, newDirectory(access)]);
}

export function forgetFilesystem({ namespace, uncommitted }: State, name: string): void {
  namespace.apply(["drop", name]);
  for (const key of uncommitted.keys()) if (key.startsWith(`${name}/`)) uncommitted.delete(key);
}

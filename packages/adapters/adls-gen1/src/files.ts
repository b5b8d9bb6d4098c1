import {
  AmlError,
  isAmlError,
  parseStorePath,
  type DeleteOptions,
  type FileStat,
  type PathRights,
  type StorePath,
} from "@aml/core/adapter";
import { rowError } from "./errors.ts";
import { NO_STORE } from "./error-rows.ts";
import type { Call, Store } from "./store.ts";
import type { OpenFolder } from "@aml/azure-auth/transfer";

const PAGE = 4000;
/** What this adapter writes before a file is complete; never listed. */
const PARTIAL = /^\.aml-[0-9a-f]{32}\.partial$/;

/** A name of its own for a file under way, in the root. */
export function partialName(): StorePath {
  return `.aml-${crypto.randomUUID().replaceAll("-", "")}.partial` as StorePath;
}

type Status = Readonly<Record<string, unknown>>;

export async function stat(
  store: Store,
  path: StorePath,
  signal: AbortSignal | undefined,
  operation: Call["operation"] = "stat",
): Promise<FileStat> {
  const call: Call = { operation, path, signal };
  const { FileStatus: status } = await store.ask(call, "GET", { op: "GETFILESTATUS" });
  return toStat(store, call, path, status as Status | undefined);
}

function toStat(store: Store, call: Call, path: StorePath, status: Status | undefined): FileStat {
  const { type, length, modificationTime } = status ?? {};
  if (type === "DIRECTORY") return { path, kind: "directory", size: 0 };
  if (type !== "FILE" || typeof length !== "number") throw rowError(NO_STORE, store.attempt(call));
  const known = typeof modificationTime === "number";
  return { path, kind: "file", size: length, ...(known && { modifiedAt: new Date(modificationTime) }) };
}

export function openFolder(store: Store, signal: AbortSignal | undefined): OpenFolder {
  return async function* (folder) {
    const call: Call = { operation: "list", path: folder, signal };
    for (let after: string | undefined; ;) {
      let answer: Readonly<Record<string, unknown>>;
      try {
        answer = await store.ask(call, "GET", { op: "LISTSTATUS", listSize: PAGE, listAfter: after });
      } catch (error) {
        if (after === undefined && isAmlError(error, "not_found")) return;
        throw error;
      }
      const { FileStatus: statuses, continuationToken } = (answer["FileStatuses"] ?? {}) as Status;
      if (!Array.isArray(statuses)) throw rowError(NO_STORE, store.attempt(call));
      // A file lists itself, without a name.
      if (statuses.length === 1 && (statuses[0] as Status)["pathSuffix"] === "") return;
      yield (statuses as readonly Status[])
        .filter(({ pathSuffix }) => !PARTIAL.test(String(pathSuffix)))
        .map((status) => toStat(store, call, childPath(folder, String(status["pathSuffix"])), status));
      after = nextPage(continuationToken, statuses as readonly Status[]);
      if (after === undefined) return;
    }
  };
}

/** Before 2018 a full page was the only sign that more may follow. */
function nextPage(token: unknown, statuses: readonly Status[]): string | undefined {
  if (typeof token === "string") return token === "" ? undefined : token;
  return statuses.length < PAGE ? undefined : String(statuses.at(-1)?.["pathSuffix"]);
}

/** A name that no path can express is reported, not left out. */
function childPath(folder: StorePath, name: string): StorePath {
  const parsed = name === ".." ? undefined : parseStorePath(name);
  if (parsed === name && name !== "") return (folder === "" ? name : `${folder}/${name}`) as StorePath;
  throw new AmlError("unsupported", `The name ${JSON.stringify(name)} cannot be written as a path.`, {
    operation: "list",
    hint: "Rename it, or list another folder.",
    context: { folder, name },
  });
}

/** Deletes a file, or with `recursive` a folder. What is not there is deleted. */
export async function remove(
  store: Store,
  path: StorePath,
  { recursive = false, signal }: DeleteOptions = {},
): Promise<void> {
  signal?.throwIfAborted();
  if (path !== "") return removePath(store, path, recursive, signal);
  if (!recursive) return;
  for await (const page of openFolder(store, signal)(path))
    for (const entry of page) await removePath(store, entry.path, true, signal);
}

/** @throws `precondition_failed` for a folder that is not empty, unless `recursive`. */
export async function removePath(
  store: Store,
  path: StorePath,
  recursive: boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    await store.ask({ operation: "delete", path, signal }, "DELETE", { op: "DELETE", recursive });
  } catch (error) {
    if (!isAmlError(error, "not_found")) throw error;
  }
}

/** Owner, permissions and access list of the root and of each folder on the way to a path. */
export async function* pathRights(
  store: Store,
  path: StorePath,
  signal: AbortSignal | undefined,
): AsyncGenerator<PathRights> {
  const names = path === "" ? [] : path.split("/");
  for (let depth = 0; depth <= names.length; depth += 1) {
    const at = names.slice(0, depth).join("/") as StorePath;
    let status: Status;
    try {
      const answer = await store.ask({ operation: "stat", path: at, signal }, "GET", {
        op: "MSGETACLSTATUS",
      });
      status = (answer["AclStatus"] ?? {}) as Status;
    } catch (error) {
      if (isAmlError(error, "permission_denied") || isAmlError(error, "not_found")) return;
      throw error;
    }
    yield {
      path: at,
      owner: String(status["owner"]),
      group: String(status["group"]),
      permissions: letters(String(status["permission"])),
      acl: ((status["entries"] ?? []) as readonly string[]).join(","),
    };
  }
}

/** `750` as `rwxr-x---`. */
function letters(octal: string): string {
  return Array.from(octal.slice(-3))
    .map((digit) => ["---", "--x", "-w-", "-wx", "r--", "r-x", "rw-", "rwx"][Number(digit)] ?? "???")
    .join("");
}

import {
  AmlError,
  type FileStat,
  isAmlError,
  joinStorePath,
  parseStorePath,
  type SqlSource,
  type StorageAdapter,
  type StorePath,
} from "@aml/core";
import { randomUUID } from "node:crypto";
import { failed, type Finding, ok, skipped } from "./doctor-types.ts";
import { asFinding, type HopLog } from "./hop-log.ts";

/** How the services say that it is the network that they do not let in. */
const FIREWALL =
  /^(AuthorizationFailure|AuthorizationSourceIPMismatch|IpAuthorizationError|NetworkAclsValidationFailure|PublicNetworkAccess\w*)$/;

/** One request shows whether it gets through, is signed in, and finds the store. */
export async function firstRequest(
  log: HopLog,
  request: (signal: AbortSignal) => Promise<unknown>,
  withOtherKey?: (signal: AbortSignal) => Promise<unknown>,
): Promise<boolean> {
  let error: unknown;
  const through = await log.run("firewall", async (signal) => {
    try {
      await request(signal);
    } catch (failure) {
      if (signal.aborted) throw signal.reason;
      error = failure;
    }
    return firewallFinding(error);
  });
  if (!through) return false;
  if (!isRefused(error)) await log.note("sign_in", ok("The service accepts the credential."));
  else {
    const refusal = asFinding(error);
    const signedIn = await log.run("sign_in", async (signal) => {
      if (withOtherKey === undefined) return refusal;
      await withOtherKey(signal);
      return ok(
        "The account's first key is refused, and its other one accepted.",
        refusal.facts,
        "Give the datastore both keys anew: the next rotation would lock it out.",
      );
    });
    if (!signedIn) return false;
    error = undefined;
  }
  const missing = error !== undefined && !isAmlError(error, "permission_denied");
  await log.note("store", missing ? asFinding(error) : ok("The store is there."));
  return !missing;
}

function firewallFinding(error: unknown): Finding {
  if (!isAmlError(error)) {
    return error === undefined ? ok("The service answers requests from here.") : asFinding(error);
  }
  const { code, context } = error;
  const { serviceCode } = context;
  if (isRefused(error)) return ok("The service answers requests from here.");
  if (typeof serviceCode === "string" && FIREWALL.test(serviceCode)) {
    return failed(
      "permission_denied",
      `The service turns requests from here away (${serviceCode}).`,
      `Add this machine's public address, or its network, under 'Networking' of the account, or use a private endpoint. If the network is let in: ${error.hint ?? "check the rights of the credential."}`,
      { status: context["status"], serviceCode },
    );
  }
  return isLost(code) ? asFinding(error) : ok("The service answers requests from here.");
}

function isLost(code: AmlError["code"]): boolean {
  return code === "unavailable" || code === "timeout" || code === "rate_limited";
}

/** How databases say that they do not talk to this machine. */
const WALL = /firewall|network|pg_hba|IP address/i;
/** What only who is signed in can be told. */
const INSIDE: readonly AmlError["code"][] = ["not_found", "permission_denied", "query_failed"];

/** Signing in to a database goes through its TLS, its firewall and its password in one; its words tell which. */
export async function firstQuery(log: HopLog, source: SqlSource): Promise<boolean> {
  let error: unknown;
  const query = async (signal: AbortSignal): Promise<Finding> => {
    try {
      await probeQuery(source, signal);
    } catch (failure) {
      if (signal.aborted) throw signal.reason;
      error = failure;
    }
    return isAmlError(error) && WALL.test(error.message) && !isLost(error.code)
      ? asFinding(error)
      : ok("The server answers this machine.");
  };
  if (!(await log.run("firewall", query))) return false;
  const inside = isAmlError(error) && INSIDE.includes(error.code);
  const outside = error !== undefined && !inside;
  await log.note("sign_in", outside ? asFinding(error) : ok("The server accepts the credential."));
  if (outside) return false;
  await log.note("store", error === undefined ? ok("The database answers a query.") : asFinding(error));
  return error === undefined;
}

/** Azurite calls a wrong signature by the code that the service has for networks, but words it right. */
function isRefused(error: unknown): boolean {
  if (!isAmlError(error)) return false;
  const { cause } = error;
  return (
    error.code === "auth_failed" || (cause instanceof Error && /failed to authenticate/i.test(cause.message))
  );
}

/** Tells where on the way to a path the rights, or the names, end. */
export async function checkRights(
  storage: StorageAdapter,
  path: StorePath,
  signal: AbortSignal,
): Promise<Finding> {
  if (storage.pathRights !== undefined) {
    const segments: object[] = [];
    for await (const rights of storage.pathRights(path, { signal })) {
      segments.push({ ...rights, path: `/${rights.path}` });
    }
    const last = (segments.at(-1) as { path: string } | undefined)?.path;
    if (last === `/${path}`)
      return ok(`The rights of each folder on the way to /${path} can be seen.`, { segments });
    const failure = await lookUp(storage, path, signal);
    const seen = last === undefined ? "nothing" : last;
    const hint = `Rights could be seen up to ${seen}: grant the identity x (execute) on each folder above, and r (read) on what it is to read.`;
    if (failure === undefined)
      return ok(`/${path} is there; who may what could be seen up to ${seen} only.`, { segments });
    const denied = failure.code === "permission_denied";
    return {
      ...asFinding(failure),
      hint: denied ? hint : failure.hint,
      facts: { segments, brokenAfter: seen },
    };
  }
  if (path === "") return skipped("The store keeps no rights with paths.");
  const failure = await lookUp(storage, path, signal);
  if (failure === undefined) return ok(`/${path} is there, and may be looked up.`, { path: `/${path}` });
  const names = path.split("/");
  for (let count = 1; count < names.length; count++) {
    const part = joinStorePath(...names.slice(0, count));
    const above = await lookUp(storage, part, signal);
    if (above !== undefined) return { ...asFinding(above), facts: { brokenAt: `/${part}` } };
  }
  return { ...asFinding(failure), facts: { brokenAt: `/${path}` } };
}

async function lookUp(
  storage: StorageAdapter,
  path: StorePath,
  signal: AbortSignal,
): Promise<AmlError | undefined> {
  try {
    await storage.stat(path, { signal });
    return undefined;
  } catch (error) {
    if (isAmlError(error)) return error;
    throw error;
  }
}

export interface ListProbe {
  readonly finding: Finding;
  readonly file?: FileStat;
}

/** How many entries are looked at for a file that can be read. */
const LOOKED_AT = 1000;

export async function probeList(
  storage: StorageAdapter,
  path: StorePath,
  signal: AbortSignal,
): Promise<ListProbe> {
  if (!storage.capabilities.list) return { finding: skipped("The store has no listing.") };
  let seen = 0;
  for await (const entry of storage.list(path, { recursive: true, signal })) {
    seen++;
    if (entry.kind === "file")
      return { finding: ok(`The store can be listed: /${entry.path} is there.`), file: entry };
    if (seen >= LOOKED_AT) break;
  }
  return {
    finding: ok(seen === 0 ? "The store can be listed; it is empty here." : "The store can be listed."),
  };
}

export async function probeRead(
  storage: StorageAdapter,
  file: FileStat | undefined,
  signal: AbortSignal,
): Promise<Finding> {
  if (file === undefined) return skipped("There is no file to read; name one with --path.");
  const { body } = await storage.read(file.path, {
    signal,
    ...(file.size > 0 && { range: { offset: 0, length: 1 } }),
  });
  const bytes = (await new Response(body).arrayBuffer()).byteLength;
  return ok(`/${file.path} can be read (${bytes} of ${file.size} bytes were).`, {
    path: `/${file.path}`,
    bytes,
  });
}

/** Writes, looks, and deletes: nothing stays behind. */
export async function probeWrite(
  storage: StorageAdapter,
  folder: StorePath,
  signal: AbortSignal,
): Promise<Finding> {
  if (storage.write === undefined)
    return failed("unsupported", `${storage.uri} is read-only.`, "Use another store to write to.");
  const path = joinStorePath(folder, `aml-doctor-${randomUUID()}.txt`);
  const text = "aml doctor wrote this to see whether it can.\n";
  await storage.write(path, new Blob([text]).stream(), { size: text.length, signal });
  try {
    await storage.delete?.(path, { signal });
  } catch (error) {
    if (!isAmlError(error)) throw error;
    return failed(
      error.code,
      `/${path} could be written, and not deleted.`,
      `Delete it by hand. ${error.hint ?? ""}`.trim(),
    );
  }
  return ok("A file could be written and deleted.", { path: `/${path}` });
}

async function probeQuery(source: SqlSource, signal: AbortSignal): Promise<void> {
  const { batches } = await source.query({ text: "SELECT 1 AS one" }, { signal });
  for await (const rows of batches) if (rows.length > 0) return;
  throw new AmlError("query_failed", "SELECT 1 gave no row.", { hint: "Check what listens there." });
}

/** The store's root, or a path in it: a listing where it has one, else a look. */
export async function touch(storage: StorageAdapter, signal: AbortSignal): Promise<void> {
  const root = parseStorePath("");
  if (storage.capabilities.list) for await (const _ of storage.list(root, { signal })) return;
  try {
    await storage.stat(root, { signal });
  } catch (error) {
    // A web host need not have a page at its root.
    if (storage.capabilities.list || !isAmlError(error, "not_found")) throw error;
  }
}

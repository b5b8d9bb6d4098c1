import type { FileNode } from "../file-tree/file-tree.ts";
import { existing, metadataOf, type Gen1Call, type Gen1Metadata } from "./gen1-call.ts";
import { illegal } from "./gen1-error.ts";

/** `[default:]user:ID:rwx` in its parts; without an ID it is the owner's own. */
interface AclEntry {
  readonly key: string;
  readonly isDefault: boolean;
  readonly type: string;
  readonly id: string;
  readonly rights: string | undefined;
}

const DIGITS = { user: 0, group: 1, other: 2 } as const;

export function getAclStatus(call: Gen1Call): Response {
  const { owner, group, permission, acl } = metadataOf(existing(call));
  return Response.json({
    AclStatus: { entries: acl, owner, group, permission, stickyBit: permission.length > 3 },
  });
}

export function setPermission(call: Gen1Call): Response {
  const permission = call.query.text("permission") ?? "";
  if (!/^[0-7]{3,4}$/.test(permission)) throw illegal(`Invalid permission ${permission}`);
  return change(call, (metadata) => ({ ...metadata, permission }));
}

export function setOwner(call: Gen1Call): Response {
  return change(call, (metadata) => ({
    ...metadata,
    owner: call.query.text("owner") ?? metadata.owner,
    group: call.query.text("group") ?? metadata.group,
  }));
}

export function setAcl(call: Gen1Call): Response {
  return change(call, (metadata) => withEntries({ ...metadata, acl: [] }, specOf(call)));
}

export function modifyAclEntries(call: Gen1Call): Response {
  return change(call, (metadata) => withEntries(metadata, specOf(call)));
}

export function removeAclEntries(call: Gen1Call): Response {
  const keys = new Set(specOf(call).map(({ key }) => key));
  return change(call, (metadata) => ({
    ...metadata,
    acl: metadata.acl.filter((entry) => !keys.has(parse(entry).key)),
  }));
}

export function removeDefaultAcl(call: Gen1Call): Response {
  return change(call, (metadata) => ({
    ...metadata,
    acl: metadata.acl.filter((entry) => !entry.startsWith("default:")),
  }));
}

export function removeAcl(call: Gen1Call): Response {
  return change(call, (metadata) => ({ ...metadata, acl: [] }));
}

function change(call: Gen1Call, work: (metadata: Gen1Metadata) => Gen1Metadata): Response {
  const node: FileNode = existing(call);
  const metadata = { ...work(metadataOf(node)) };
  call.tree.update(call.path, { metadata, modifiedAt: node.modifiedAt });
  return new Response(null);
}

/** Entries of the owner, the owning group and all others are the permission; the rest is the list. */
function withEntries(metadata: Gen1Metadata, entries: readonly AclEntry[]): Gen1Metadata {
  const acl = new Map(metadata.acl.map((entry) => [parse(entry).key, entry]));
  const digits = metadata.permission.slice(-3).split("");
  for (const { key, isDefault, type, id, rights } of entries) {
    if (rights === undefined) throw illegal(`Invalid aclSpec: no permission for ${key}`);
    const own = isDefault || id !== "" ? undefined : DIGITS[type as keyof typeof DIGITS];
    if (own === undefined) acl.set(key, `${key}:${rights}`);
    else digits[own] = String(octal(rights));
  }
  return {
    ...metadata,
    permission: metadata.permission.slice(0, -3) + digits.join(""),
    acl: [...acl.values()],
  };
}

function octal(rights: string): number {
  return (rights[0] === "r" ? 4 : 0) + (rights[1] === "w" ? 2 : 0) + (rights[2] === "x" ? 1 : 0);
}

function specOf({ query }: Gen1Call): readonly AclEntry[] {
  const spec = query.text("aclSpec") ?? "";
  if (spec === "") throw illegal("Missing required parameter aclSpec");
  return spec.split(",").map(parse);
}

function parse(entry: string): AclEntry {
  const [, prefix = "", type = "", id = "", rights] =
    /^(default:)?(user|group|other|mask):([^:]*)(?::([r-][w-][x-]))?$/.exec(entry) ?? [];
  if (type === "") throw illegal(`Invalid aclSpec: ${entry}`);
  return { key: `${prefix}${type}:${id}`, isDefault: prefix !== "", type, id, rights };
}

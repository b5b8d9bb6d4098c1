import { refusal } from "./storage-refusal.ts";

/** Owner, group and POSIX ACL of a path. */
export interface AccessControl {
  readonly owner: string;
  readonly group: string;
  /** `user::rw-`, `group:OBJECT-ID:r-x`, `default:other::---` … */
  readonly acl: readonly string[];
}

const SUPERUSER = "$superuser";
const SHAPE = /^(default:)?(user|group|mask|other):([^:,]*):([r-][w-][x-])$/;

export interface NewAccess {
  /** Octal or symbolic. */
  readonly permissions?: string | undefined;
  /** Octal; 0027 unless given. */
  readonly umask?: string | undefined;
  readonly acl?: string | undefined;
  readonly owner?: string | undefined;
  readonly group?: string | undefined;
}

/**
 * What a new path starts with: the default ACL of its parent if that has one, else what was asked for less the umask.
 *
 * @see https://learn.microsoft.com/azure/storage/blobs/data-lake-storage-access-control, read 2026-11
 */
export function newAccess(
  kind: "file" | "directory",
  parent: AccessControl | undefined,
  { permissions, umask, acl, owner = SUPERUSER, group = SUPERUSER }: NewAccess = {},
): AccessControl {
  if (acl !== undefined) return { owner, group, acl: parseAcl(acl) };
  const inherited = parent?.acl.filter((entry) => entry.startsWith("default:")) ?? [];
  if (inherited.length > 0) {
    const own = inherited.map((entry) => entry.slice("default:".length));
    return { owner, group, acl: kind === "directory" ? [...own, ...inherited] : own };
  }
  const mode = permissions === undefined ? (kind === "directory" ? 0o777 : 0o666) : parseMode(permissions);
  // eslint-disable-next-line no-bitwise -- a umask is bits
  return { owner, group, acl: aclOfMode(mode & ~(umask === undefined ? 0o027 : parseMode(umask))) };
}

/** With `permissions` or `acl`, never both. */
export function changeAccess(access: AccessControl, change: Omit<NewAccess, "umask">): AccessControl {
  const { permissions, acl, owner = access.owner, group = access.group } = change;
  if (permissions !== undefined && acl !== undefined) throw refusal("InvalidHeaderValue");
  if (acl !== undefined) return { owner, group, acl: parseAcl(acl) };
  if (permissions === undefined) return { owner, group, acl: access.acl };
  return { owner, group, acl: mergeAcl(access.acl, aclOfMode(parseMode(permissions))) };
}

/** As `rwxr-x---`, with a `+` where named entries or defaults exist. */
export function formatPermissions({ acl }: AccessControl): string {
  const of = (scope: string): string => permsOf(acl, `${scope}::`) ?? "---";
  const extended = acl.some((entry) => entry.startsWith("default:") || !/^(user|group|other)::/.test(entry));
  return of("user") + (permsOf(acl, "mask::") ?? of("group")) + of("other") + (extended ? "+" : "");
}

/** One header, comma-separated. @throws `InvalidHeaderValue`. */
export function parseAcl(text: string): string[] {
  const entries = text.split(",").filter((entry) => entry !== "");
  for (const entry of entries) if (!SHAPE.test(entry)) throw refusal("InvalidHeaderValue");
  return entries;
}

export function mergeAcl(acl: readonly string[], more: readonly string[]): string[] {
  const merged = new Map(acl.map((entry) => [subjectOf(entry), entry]));
  for (const entry of more) merged.set(subjectOf(entry), entry);
  return [...merged.values()];
}

/** `text` names subjects only: `user:OBJECT-ID`, `default:group:OBJECT-ID`. */
export function removeFromAcl(acl: readonly string[], text: string): string[] {
  const gone = new Set(text.split(",").map((subject) => (subject.endsWith(":") ? subject : `${subject}:`)));
  return acl.filter((entry) => !gone.has(subjectOf(entry)));
}

function subjectOf(entry: string): string {
  return entry.slice(0, entry.lastIndexOf(":") + 1);
}

function permsOf(acl: readonly string[], subject: string): string | undefined {
  return acl.find((entry) => entry.startsWith(subject))?.slice(subject.length);
}

function aclOfMode(mode: number): string[] {
  return ["user", "group", "other"].map((scope, index) => `${scope}::${triple(mode, 6 - 3 * index)}`);
}

function triple(mode: number, shift: number): string {
  const bits = Math.floor(mode / 2 ** shift) % 8;
  return ["---", "--x", "-w-", "-wx", "r--", "r-x", "rw-", "rwx"][bits] ?? "---";
}

function parseMode(text: string): number {
  if (/^[0-7]{3,4}$/.test(text)) return Number.parseInt(text, 8);
  const symbolic = /^([r-][w-][x-]){3}\+?$/.test(text) ? text.slice(0, 9) : undefined;
  if (symbolic === undefined) throw refusal("InvalidHeaderValue");
  return [...symbolic].reduce((mode, letter) => mode * 2 + (letter === "-" ? 0 : 1), 0);
}

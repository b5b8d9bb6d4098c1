import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FileTree } from "../file-tree/file-tree.ts";
import { openFileTree } from "../file-tree/open-file-tree.ts";
import type { StoredAccessPolicy } from "../storage-auth/index.ts";
import { refusal } from "./file-refusal.ts";

/** A share: its properties, and the tree of what is in it. */
export interface Share {
  readonly name: string;
  readonly properties: ShareProperties;
  readonly tree: FileTree;
  /** By lease ID, of a file's number. */
  readonly leases: Map<number, string>;
}

export interface ShareProperties {
  /** GiB. */
  readonly quota: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modifiedAt: number;
  readonly policies: Readonly<Record<string, StoredAccessPolicy>>;
  /** Security descriptors by their keys. */
  readonly permissions: Readonly<Record<string, string>>;
}

export interface ShareRegistry {
  /** In order of names. */
  list(): readonly Share[];
  find(name: string): Share | undefined;
  /** @throws `ShareNotFound`. */
  get(name: string): Share;
  /** @throws `ShareAlreadyExists`. */
  create(name: string, values: Pick<ShareProperties, "quota" | "metadata">): Share;
  /** Renews etag and time unless `quiet`. */
  update(name: string, values: Partial<ShareProperties>, quiet?: boolean): Share;
  delete(name: string): void;
  close(): void;
}

export interface ShareRegistryOptions {
  readonly folder: string | undefined;
  readonly now: () => number;
}

/** Keeps shares in memory, or in a folder: `shares.json`, and one folder a share. */
export function openShareRegistry({ folder, now }: ShareRegistryOptions): ShareRegistry {
  const shares = new Map<string, Share>();
  let revision = now() * 1024;
  const open = (name: string, properties: ShareProperties): Share => {
    const below = folder === undefined ? undefined : join(folder, "shares", name);
    const tree = openFileTree({ folder: below, caseSensitive: false, now });
    const share = { name, properties, tree, leases: new Map<number, string>() };
    shares.set(name, share);
    return share;
  };
  const save = (): void => {
    if (folder !== undefined) saveShares(folder, shares);
  };
  const renewed = (): Pick<ShareProperties, "etag" | "modifiedAt"> => {
    revision += 1;
    return { etag: `0x8D${revision.toString(16).toUpperCase().padStart(13, "0")}`, modifiedAt: now() };
  };
  const get = (name: string): Share => {
    const share = shares.get(name);
    if (share === undefined) throw refusal("ShareNotFound");
    return share;
  };
  for (const [name, properties] of folder === undefined ? [] : loadShares(folder)) open(name, properties);
  return {
    list: () => [...shares.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    find: (name) => shares.get(name),
    get,
    create(name, values) {
      if (shares.has(name)) throw refusal("ShareAlreadyExists");
      const share = open(name, { policies: {}, permissions: {}, ...values, ...renewed() });
      save();
      return share;
    },
    update(name, values, quiet = false) {
      const share = get(name);
      const properties = { ...share.properties, ...values, ...(!quiet && renewed()) };
      const updated = { ...share, properties };
      shares.set(name, updated);
      save();
      return updated;
    },
    delete(name) {
      get(name).tree.close();
      shares.delete(name);
      save();
      if (folder !== undefined) rmSync(join(folder, "shares", name), { recursive: true, force: true });
    },
    close() {
      for (const share of shares.values()) share.tree.close();
    },
  };
}

function loadShares(folder: string): [string, ShareProperties][] {
  const file = join(folder, "shares.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as [string, ShareProperties][]) : [];
}

/** Whole or not at all. */
function saveShares(folder: string, shares: ReadonlyMap<string, Share>): void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "shares.json");
  const entries = [...shares.values()].map((share) => [share.name, share.properties]);
  writeFileSync(`${file}.new`, JSON.stringify(entries));
  renameSync(`${file}.new`, file);
}

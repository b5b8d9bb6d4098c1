import type { OverwriteOptions } from "./dataset.ts";

export interface CopyOptions extends OverwriteOptions {
  /** Also copies what lies in the folders below; a source that is a folder needs it. */
  readonly recursive?: boolean | undefined;
  /** Looks and tells, and writes nothing. */
  readonly dryRun?: boolean | undefined;
  /** Reads each copy again and compares it with what was written. */
  readonly verify?: boolean | undefined;
  /** Files at a time at most; fewer while they are large. Default 8. */
  readonly concurrency?: number | undefined;
  /** Hears of each file; the copying waits for what it returns. */
  readonly onEvent?: ((event: CopyEvent) => void | Promise<void>) | undefined;
  /** Hears how many bytes more have moved; of a file that is begun again, how many less. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** What a copy does, as it does it. */
export type CopyEvent =
  /** All names are checked: from here on bytes move. */
  | { readonly kind: "planned"; readonly files: number; readonly bytes: number }
  | (CopiedFile & {
      readonly kind: "copied";
      /** `service`: the bytes did not pass through this machine. */
      readonly via: "service" | "stream";
      /** Of what was read, base64; absent where nothing could tell. */
      readonly md5?: string | undefined;
      /** Bytes that an earlier run had sent already; absent when it was copied from its start. */
      readonly resumedFrom?: number | undefined;
    })
  /** It was there already, the same. */
  | (CopiedFile & { readonly kind: "skipped" })
  /** In a dry run. */
  | (CopiedFile & { readonly kind: "would_copy" })
  /** The service cannot copy by itself: from here on the bytes pass through this machine. */
  | { readonly kind: "fallback"; readonly reason: string };

export interface CopiedFile {
  readonly from: string;
  readonly to: string;
  readonly bytes: number;
}

export interface CopyReport {
  /** That were copied, or would be in a dry run. */
  readonly files: number;
  readonly bytes: number;
  /** Files that were there already, the same. */
  readonly skipped: number;
  readonly skippedBytes: number;
  /** Files whose bytes did not pass through this machine. */
  readonly byService: number;
}

/** A running hash, as `createHash("md5")` of `node:crypto` is one. */
export interface ContentHash {
  update(bytes: Uint8Array): unknown;
  digest(encoding: "base64"): string;
}

/** A running hash that another process can go on with. */
export interface SavedHash extends ContentHash {
  save(): string;
}

/** What is remembered of a copy while it runs. */
export interface CopyNote {
  /** A UUID; names what the target keeps. */
  readonly id: string;
  /** Of the source: another version is copied from its start. */
  readonly etag: string;
  readonly size: number;
  readonly stepBytes: number;
  /** The last steps that were read, in order: how many bytes, and the hash of them. */
  readonly steps: readonly { readonly bytes: number; readonly hash: string }[];
}

/** One copy's place in the journal, which is this run's alone. */
export interface CopyPlace {
  /** What an earlier run left; `undefined` when there is nothing. */
  readonly note: CopyNote | undefined;
  save(note: CopyNote): Promise<void>;
  /** Gives the place back, for a later run. */
  leave(): Promise<void>;
  /** Gives it back empty. */
  forget(): Promise<void>;
}

/** Remembers copies of large files that broke off, from one run to the next. */
export interface CopyJournal {
  /** @returns `undefined` when another run has this copy under way. */
  take(from: string, to: string): Promise<CopyPlace | undefined>;
  /** An MD5, of nothing or gone on with from what `save` gave. */
  createHash(saved?: string): Promise<SavedHash>;
}

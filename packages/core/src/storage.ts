/** A path below a store's root: no leading slash, no empty, `.` or `..` segment. `""` is the root. */
export type StorePath = string & { readonly [normalised]: true };
declare const normalised: unique symbol;

/** One container, share, file system, folder or web host. The five verbs that an author writes. */
export interface StorageAdapter {
  readonly contract: "aml.storage/1";
  /** Datastore type, e.g. `azure_blob`. */
  readonly type: string;
  /** The root, without a trailing slash. Never holds a secret: it is logged, hashed and put in messages. */
  readonly uri: string;
  readonly capabilities: StorageCapabilities;

  /**
   * Looks one path up.
   *
   * @throws `not_found`, `permission_denied`, `auth_failed`.
   */
  stat(path: StorePath, options?: OperationOptions): Promise<FileStat>;
  /**
   * Lists what lies below a folder; nothing when there is no such folder. One request a page, pages on demand.
   * A file that is named like the folder itself is not listed.
   */
  list(folder: StorePath, options?: ListOptions): AsyncIterable<FileStat>;
  /**
   * Opens one file, or a range of it.
   *
   * @throws `not_found`; `range_not_satisfiable` when `offset` is past the end; `precondition_failed` when
   * `ifMatch` does not match.
   */
  read(path: StorePath, options?: ReadOptions): Promise<ReadResult>;
  /**
   * Writes one file whole; nothing is visible at `path` until it is complete, where `atomicWrites` is claimed.
   * Absent on a read-only store.
   *
   * @throws `already_exists` for `ifNoneMatch: "*"` on an existing file; `precondition_failed` for `ifMatch`.
   */
  write?(path: StorePath, body: ReadableStream<Uint8Array>, options?: WriteOptions): Promise<FileStat>;
  /** Deletes a file, or with `recursive` a folder; succeeds when there was nothing. Absent on a read-only store. */
  delete?(path: StorePath, options?: DeleteOptions): Promise<void>;
  /** Frees sockets and handles. */
  close?(): Promise<void>;
}

/** Only what the presence of a verb cannot say. Each is tested when claimed. */
export interface StorageCapabilities {
  /** `list` works. A web host that has no listing does not claim it and throws `unsupported`. */
  readonly list: boolean;
  /** Directories exist by themselves (a disk, File Share, ADLS), not just as prefixes (Blob). */
  readonly directories: boolean;
  /** `list` yields paths in ascending code-unit order, where a directory counts as if its path ended in `/`. */
  readonly sortedList: boolean;
  /** `FileStat.etag` is set and changes with every write; `ifMatch` on `read` is honoured. */
  readonly etags: boolean;
  /** `ifMatch` and `ifNoneMatch` on `write` are honoured atomically. */
  readonly conditionalWrites: boolean;
  /** A reader sees the old bytes or the new ones, never a mixture. */
  readonly atomicWrites: boolean;
}

export interface FileStat {
  readonly path: StorePath;
  readonly kind: "file" | "directory";
  /** Bytes; 0 for a directory. */
  readonly size: number;
  readonly modifiedAt?: Date | undefined;
  readonly etag?: string | undefined;
}

export interface ReadResult {
  readonly body: ReadableStream<Uint8Array>;
  /** Of the whole file, as this read's own response told it; absent where it told nothing. Never a second request. */
  readonly stat?: FileStat | undefined;
}

export interface OperationOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface ListOptions extends OperationOptions {
  /** All files below, without directories. Otherwise just the files and directories in the folder itself. */
  readonly recursive?: boolean | undefined;
  /** Only paths that start with this, counted from the folder: `list("a", { prefix: "b" })` gives `a/b1`, not `a/c`. */
  readonly prefix?: string | undefined;
}

export interface ReadOptions extends OperationOptions {
  /** Bytes, zero-based; without `length`, to the end. A range past the end is cut at the end. */
  readonly range?: { readonly offset: number; readonly length?: number | undefined } | undefined;
  readonly ifMatch?: string | undefined;
}

export interface WriteOptions extends OperationOptions {
  /** Bytes, if known beforehand; a body of another length is `precondition_failed` and leaves nothing behind. */
  readonly size?: number | undefined;
  readonly contentType?: string | undefined;
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: "*" | undefined;
}

export interface DeleteOptions extends OperationOptions {
  readonly recursive?: boolean | undefined;
}

/** Wraps an adapter and is one: `withRetry`, `withTimeout`, `withTrace`. */
export type StorageLayer = (inner: StorageAdapter) => StorageAdapter;

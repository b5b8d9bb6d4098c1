import type { Secret } from "./secret.ts";

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
  /**
   * Tells how many bytes, from its start, a write with `resume` has left when it broke off; 0 when there are none to go
   * on with. Absent where a write that broke off leaves nothing.
   */
  keptBytes?(path: StorePath, resume: KeptWrite, options?: OperationOptions): Promise<number>;
  /** Throws them away. Absent where they go by themselves. */
  dropKept?(path: StorePath, resume: KeptWrite, options?: OperationOptions): Promise<void>;
  /** Deletes a file, or with `recursive` a folder; succeeds when there was nothing. Absent on a read-only store. */
  delete?(path: StorePath, options?: DeleteOptions): Promise<void>;
  /**
   * Says how another store of the same service may fetch a file by itself; asks for no byte. Absent where files
   * cannot be fetched so.
   *
   * @throws `unsupported` when this store's credential cannot be handed on.
   */
  copySource?(path: StorePath, options?: OperationOptions): Promise<CopySource>;
  /**
   * Has the service copy a file of another of its stores: the bytes do not pass through this machine. As with
   * `write`, nothing is visible at `path` until it is complete. Absent where the service has no such request.
   *
   * @throws `unsupported` when it cannot copy this file from there (another service, too large, a source that the
   * service is not let into): the caller then reads and writes. `already_exists`, `precondition_failed` as `write`.
   */
  copyFrom?(source: CopySource, path: StorePath, options: CopyFromOptions): Promise<FileStat>;
  /**
   * Tells the rights that are kept with each folder on the way to a path, from the root down to the path itself;
   * ends early, without an error, where it may not look further. Absent where rights are not kept per path.
   */
  pathRights?(path: StorePath, options?: OperationOptions): AsyncIterable<PathRights>;
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
  /** `properties` of `read` are those that `write` was given. */
  readonly properties?: boolean | undefined;
  /** `stat` and `read` tell the MD5 that `write` was given. */
  readonly md5?: boolean | undefined;
  /** Names that differ in case only are one file (File Share, Windows). */
  readonly ignoresCase?: boolean | undefined;
  /** Nobody else keeps or shares the memory of a chunk of a body: its reader may free it by `freeChunk`. */
  readonly ownChunks?: boolean | undefined;
}

export interface FileStat {
  readonly path: StorePath;
  readonly kind: "file" | "directory";
  /** Bytes; 0 for a directory. */
  readonly size: number;
  readonly modifiedAt?: Date | undefined;
  readonly etag?: string | undefined;
  /**
   * MD5 of the content as the store keeps it, base64 like HTTP's Content-MD5; absent where it keeps none or would
   * have to be asked again. Whoever wrote the file may have given it: it is a claim to check, not a proof.
   */
  readonly md5?: string | undefined;
}

/** What a store keeps of a file besides its bytes. */
export interface FileProperties {
  /** E.g. `text/csv`. */
  readonly contentType?: string | undefined;
  /** Names and values of the user's own. */
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}

/** A file as another store of the same service can fetch it. */
export interface CopySource {
  /** Names the service: `copyFrom` takes only what is of its own, e.g. `azure_blob`. */
  readonly service: string;
  /** Whole, with a signature in its query where that is how the source is authorized. */
  readonly url: Secret;
  /** Value of an Authorization header for the source, where that is how it is authorized. */
  readonly authorization?: Secret | undefined;
}

/** Who may do what with one file or folder. */
export interface PathRights {
  readonly path: StorePath;
  readonly owner?: string | undefined;
  readonly group?: string | undefined;
  /** As `ls -l` spells them, e.g. `rwxr-x---`. */
  readonly permissions?: string | undefined;
  /** POSIX short form, e.g. `user::rwx,user:OBJECT-ID:r-x,mask::r-x,other::---`. */
  readonly acl?: string | undefined;
}

export interface ReadResult {
  readonly body: ReadableStream<Uint8Array>;
  /** Of the whole file, as this read's own response told it; absent where it told nothing. Never a second request. */
  readonly stat?: FileStat | undefined;
  /** As this read's own response told them; absent where it told none. */
  readonly properties?: FileProperties | undefined;
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

export interface WriteOptions extends OperationOptions, FileProperties {
  /** Bytes of the file, if known beforehand; a body of another length is `precondition_failed` and leaves nothing behind. */
  readonly size?: number | undefined;
  readonly ifMatch?: string | undefined;
  readonly ifNoneMatch?: "*" | undefined;
  /**
   * Gives the MD5 of the content, base64; asked once, when the body has ended. A store that keeps such a hash keeps
   * this one, and every other ignores it.
   */
  readonly md5?: (() => string) | undefined;
  /** Chunks of the body are of no use to anybody else once they are written: the store may free them by `freeChunk`. */
  readonly freeChunks?: boolean | undefined;
  /** Keeps what has arrived when the write breaks off; asks for a store with `keptBytes`. */
  readonly resume?: ResumedWrite | undefined;
}

/** Names what a write keeps when it breaks off. */
export interface KeptWrite {
  /** A UUID that no other write uses at the same time. */
  readonly id: string;
  /** Bytes of the whole file. */
  readonly size: number;
  /** Bytes that are kept are a multiple of this, which is one of 8 itself. */
  readonly stepBytes: number;
}

/** A write that goes on where another broke off. */
export interface ResumedWrite extends KeptWrite {
  /** Where the body begins: 0 to start anew, else what `keptBytes` told, or a smaller multiple of `stepBytes`. */
  readonly offset: number;
}

export interface CopyFromOptions extends OperationOptions {
  /** Bytes of the source. */
  readonly size: number;
  /** Etag that the source must still have, else `precondition_failed`. */
  readonly sourceEtag?: string | undefined;
  readonly ifNoneMatch?: "*" | undefined;
  /** Told how many bytes more are copied, at the latest with the end of each request. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

export interface DeleteOptions extends OperationOptions {
  readonly recursive?: boolean | undefined;
}

/** Wraps an adapter and is one: `withRetry`, `withTimeout`, `withTrace`. */
export type StorageLayer = (inner: StorageAdapter) => StorageAdapter;

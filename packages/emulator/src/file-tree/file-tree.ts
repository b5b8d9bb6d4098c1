/**
 * A tree of directories and files: what lies below an emulated hierarchical store.
 *
 * A path is names between slashes, without one at either end; `""` is the root, a directory. All methods are
 * synchronous and each is a transaction: done whole, or not at all and a `FileTreeError` thrown. Content is sparse:
 * what was never written reads as zeros and takes no space. Sizes and offsets are bytes, up to 2⁵³ − 1.
 */
export interface FileTree extends Disposable {
  /**
   * Does several things as one: nobody sees them half done, and when `work` throws, none is done. May be nested.
   * `work` must be synchronous.
   */
  transaction<T>(work: () => T): T;
  /** What is at a path, in the spelling it was created with; `undefined` when nothing is. */
  stat(path: string): FileNode | undefined;
  /**
   * What is in a directory, by name in order of code points (of upper-cased names in a tree that ignores case).
   *
   * @throws `not_found`, `not_a_directory`.
   */
  list(path: string, options?: ListNodesOptions): NodePage;
  /** @throws `exists`, `parent_not_found`, `not_a_directory` (a file above). */
  createDirectory(path: string, options?: CreateDirectoryOptions): FileNode;
  /**
   * Makes a file of `size` zeros.
   *
   * @throws `exists`; `not_a_file` when a directory is to be replaced; `parent_not_found`, `not_a_directory`.
   */
  createFile(path: string, options?: CreateFileOptions): FileNode;
  /** Writes at an offset; the file grows where it has to. @throws `not_found`, `not_a_file`. */
  write(path: string, offset: number, bytes: Uint8Array): FileNode;
  /** Writes at the end. @throws `not_found`, `not_a_file`. */
  append(path: string, bytes: Uint8Array): FileNode;
  /** Takes a range out, as far as the file has it: it reads as zeros and is no longer present. @throws as `write`. */
  clear(path: string, offset: number, length: number): FileNode;
  /** Cuts a file, or lets it grow by zeros. @throws as `write`. */
  resize(path: string, size: number): FileNode;
  /**
   * The content, or the part of a range that the file has, in chunks of up to 64 KiB that are read on demand. A file
   * that is deleted or replaced meanwhile is read to its end as it was; one that is written to may give old and new
   * bytes; the stream fails when the file is cut short of what it still has to give, or the tree closed.
   *
   * @throws `not_found`, `not_a_file`.
   */
  read(path: string, range?: FileRange): ReadableStream<Uint8Array<ArrayBuffer>>;
  /** As `read`, at once. */
  readBytes(path: string, range?: FileRange): Uint8Array<ArrayBuffer>;
  /** What was written and not cleared, within a range: in order, neither touching nor overlapping. @throws as `read`. */
  ranges(path: string, range?: FileRange): readonly Required<FileRange>[];
  /** Replaces what is given, and renews the etag. `modifiedAt` is now unless given. @throws `not_found`. */
  update(path: string, values: NodeValues): FileNode;
  /**
   * Moves a file, or a directory with all below it; it stays the same node, with its etag and times. A new spelling
   * of the same name is a move as well.
   *
   * @throws `not_found`; `exists` when a file is in the way and not to be replaced, or a directory is;
   * `not_a_file` when a directory is to replace a file; `move_invalid`; `parent_not_found`, `not_a_directory`.
   */
  move(from: string, to: string, options?: MoveOptions): FileNode;
  /** @throws `not_found`; `not_empty` for a directory that holds something, unless `recursive`. */
  delete(path: string, options?: { readonly recursive?: boolean | undefined }): void;
  /** Open streams fail afterwards. */
  close(): void;
}

export interface FileNode {
  /** Never given twice; kept by a move. The root has 1. */
  readonly id: number;
  readonly path: string;
  readonly name: string;
  readonly kind: "file" | "directory";
  /** 0 for a directory. */
  readonly size: number;
  /** Like `0x8D6F4E3A2B1C09D`, without quotes. New with every change of content, size, metadata or times. */
  readonly etag: string;
  readonly createdAt: Date;
  /** Of a directory: when it was created or updated itself. What happens below does not count. */
  readonly modifiedAt: Date;
  readonly metadata: NodeMetadata;
}

/** Whatever a service keeps with a file or a directory: JSON. */
export type NodeMetadata = Readonly<Record<string, unknown>>;

export interface NodePage {
  readonly nodes: readonly FileNode[];
  /** There are more: the next page is `after` this name. */
  readonly next: string | undefined;
}

export interface ListNodesOptions {
  /** Only names behind this one, which need not exist (any more). */
  readonly after?: string | undefined;
  /** All unless given. */
  readonly limit?: number | undefined;
  /** Only names that start with this. */
  readonly prefix?: string | undefined;
}

export interface CreateDirectoryOptions {
  readonly metadata?: NodeMetadata | undefined;
  /** Makes missing directories above. */
  readonly parents?: boolean | undefined;
  /** A directory that is there already is left as it is, and returned. */
  readonly reuse?: boolean | undefined;
}

export interface CreateFileOptions {
  /** 0 unless given. */
  readonly size?: number | undefined;
  readonly metadata?: NodeMetadata | undefined;
  /** Makes missing directories above. */
  readonly parents?: boolean | undefined;
  /** A file that is there goes; its readers see it to its end. */
  readonly replace?: boolean | undefined;
}

export interface FileRange {
  readonly offset: number;
  /** To the end unless given. */
  readonly length?: number | undefined;
}

export interface NodeValues {
  readonly metadata?: NodeMetadata | undefined;
  readonly createdAt?: Date | undefined;
  readonly modifiedAt?: Date | undefined;
}

export interface MoveOptions {
  /** A file that is in the way goes. */
  readonly replace?: boolean | undefined;
  /** Makes missing directories above. */
  readonly parents?: boolean | undefined;
}

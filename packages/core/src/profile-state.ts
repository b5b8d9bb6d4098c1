import type { ReadTableOptions } from "./conversion-errors.ts";
import type { TableProfile } from "./table-profile.ts";

/**
 * What a profile by file keeps of each file, so that the next one reads just the files that are new. Plain JSON, to be
 * stored anywhere: it holds extremes, frequent values and a sample of each column, so treat it like the data.
 */
export interface ProfileState {
  readonly version: 1;
  /** Of the engine, the steps and the columns: a state of others is of no use. */
  readonly recipe: string;
  readonly files: readonly FileProfileState[];
}

export interface FileProfileState {
  readonly uri: string;
  /** Bytes. */
  readonly size: number;
  /** Absent where the store has none: such a file is read every time. */
  readonly etag?: string | undefined;
  readonly rows: number;
  /** In an order and a form of the engine's. */
  readonly columns: readonly unknown[];
}

export interface ProfileByFileOptions extends ReadTableOptions {
  /** Of an earlier profile. What JSON gave back will do. */
  readonly known?: ProfileState | undefined;
}

export interface ProfileByFile {
  readonly profile: TableProfile;
  readonly state: ProfileState;
  /** URIs of the files that were read for it; the others were known. */
  readonly read: readonly string[];
}

/** One step. */
export interface V1Block {
  readonly id: string;
  /** For example `Microsoft.DPrep.TakeBlock`. */
  readonly type: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly localData: Readonly<Record<string, unknown>>;
}

/** Something that the other form has no place for. */
export interface ConversionLoss {
  /** Where it stood, e.g. `blocks[3].arguments.skipRows` or `transformations[0].read_delta_lake`. */
  readonly path: string;
  /** What became of it, as a sentence. */
  readonly message: string;
  /** What can come out differently because of it. */
  readonly changes: "rows" | "types" | "nothing";
}

/** Notes what gets lost. */
export type Lose = (path: string, changes: ConversionLoss["changes"], message: string) => void;

const PREFIX = "Microsoft.DPrep.";
export const typeOf = (name: string): string => `${PREFIX}${name}`;
export const nameOf = (type: string): string => (type.startsWith(PREFIX) ? type.slice(PREFIX.length) : type);

/** Values by the numbers that stand for them in a definition. */
export const ENCODINGS = [
  "utf8",
  "iso88591",
  "latin1",
  "ascii",
  "utf16",
  "utf32",
  "utf8bom",
  "windows1252",
] as const;
export const HEADERS = [
  "no_header",
  "from_first_file",
  "all_files_different_headers",
  "all_files_same_headers",
] as const;
export const INVALID_LINES = ["drop", "error"] as const;
export const MISMATCHES = ["true", "false", "error"] as const;
export const DECIMAL_MARKS = [".", ","] as const;

import { AmlError } from "@aml/core";

export interface DeletionVector {
  readonly storageType: string;
  readonly pathOrInlineDv: string;
  readonly offset?: number | undefined;
  readonly sizeInBytes: number;
  readonly cardinality: number;
}

export interface AddFile {
  /** As the log has it: relative to the table and percent-encoded, or a URI. */
  readonly path: string;
  readonly size: number;
  readonly partitionValues: Readonly<Record<string, string | null>>;
  readonly deletionVector?: DeletionVector | undefined;
  /** JSON that tells of its columns; kept where a replay keeps it. */
  readonly stats?: string | undefined;
}

export interface Protocol {
  readonly minReaderVersion: number;
  readonly readerFeatures?: readonly string[] | null | undefined;
}

export interface Metadata {
  readonly schemaString: string;
  readonly partitionColumns: readonly string[];
  readonly configuration: Readonly<Record<string, string>>;
}

/** The actions of a log put together: the newest word on each file counts. */
export interface Replay {
  readonly files: Map<string, AddFile>;
  /** Whether `stats` are of use: they are most of a log. */
  readonly keepStats: boolean;
  protocol?: Protocol | undefined;
  metadata?: Metadata | undefined;
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Applies the lines of a commit, or of a checkpoint in JSON. @throws `parse_failed` with the line. */
export function applyLines(
  replay: Replay,
  text: string,
  uri: string,
  onSidecar?: (path: string) => void,
): void {
  for (const [index, line] of text.split("\n").entries()) {
    if (line.trim() === "") continue;
    const bad = (): AmlError =>
      new AmlError("parse_failed", `${uri}, line ${index + 1}: this is no action of a Delta log.`, {
        hint: "The log is damaged; restore the file, or read a version before it.",
        context: { uri, line: index + 1 },
      });
    let action: unknown;
    try {
      action = JSON.parse(line);
    } catch {
      throw bad();
    }
    if (!isObject(action)) throw bad();
    if (!applyAction(replay, action)) throw bad();
    const sidecar = action["sidecar"];
    if (isObject(sidecar)) {
      if (typeof sidecar["path"] !== "string" || onSidecar === undefined) throw bad();
      onSidecar(sidecar["path"]);
    }
  }
}

function applyAction(replay: Replay, action: Json): boolean {
  const { add, remove, protocol, metaData } = action;
  if (add !== undefined && add !== null) {
    const file = addOf(add, replay);
    if (file === undefined) return false;
    replay.files.set(keyOf(file), file);
  }
  if (remove !== undefined && remove !== null) {
    if (!isObject(remove) || typeof remove["path"] !== "string") return false;
    const vector = vectorOf(remove["deletionVector"]);
    if (vector === null) return false;
    replay.files.delete(keyOf({ path: remove["path"], deletionVector: vector }));
  }
  if (protocol !== undefined && protocol !== null) {
    const found = protocolOf(protocol);
    if (found === undefined) return false;
    replay.protocol = found;
  }
  if (metaData !== undefined && metaData !== null) {
    const found = metadataOf(metaData);
    if (found === undefined) return false;
    replay.metadata = found;
  }
  return true;
}

export function keyOf({ path, deletionVector: dv }: Pick<AddFile, "path" | "deletionVector">): string {
  return dv === undefined ? path : `${path}\0${dv.storageType}${dv.pathOrInlineDv}@${dv.offset ?? ""}`;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

export function addOf(value: unknown, { keepStats }: Pick<Replay, "keepStats">): AddFile | undefined {
  if (!isObject(value)) return undefined;
  const { path, size, partitionValues = {}, deletionVector, stats } = value;
  const vector = vectorOf(deletionVector);
  if (typeof path !== "string" || path === "" || !isCount(size) || vector === null) return undefined;
  const values = partitionValues ?? {};
  if (!isObject(values)) return undefined;
  if (!Object.values(values).every((item) => item === null || typeof item === "string")) return undefined;
  return {
    path,
    size,
    partitionValues: values as AddFile["partitionValues"],
    ...(vector === undefined ? {} : { deletionVector: vector }),
    ...(keepStats && typeof stats === "string" ? { stats } : {}),
  };
}

/** Null for what is none. */
function vectorOf(value: unknown): DeletionVector | undefined | null {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) return null;
  const { storageType, pathOrInlineDv, offset, sizeInBytes, cardinality } = value;
  if (typeof storageType !== "string" || typeof pathOrInlineDv !== "string") return null;
  if (!isCount(sizeInBytes) || !isCount(cardinality)) return null;
  if (offset !== undefined && offset !== null && !isCount(offset)) return null;
  return { storageType, pathOrInlineDv, sizeInBytes, cardinality, ...(isCount(offset) ? { offset } : {}) };
}

export function protocolOf(value: unknown): Protocol | undefined {
  if (!isObject(value) || !isCount(value["minReaderVersion"])) return undefined;
  const features = value["readerFeatures"];
  if (features !== undefined && features !== null && !Array.isArray(features)) return undefined;
  return { minReaderVersion: value["minReaderVersion"], readerFeatures: (features ?? []).map(String) };
}

export function metadataOf(value: unknown): Metadata | undefined {
  if (!isObject(value) || typeof value["schemaString"] !== "string") return undefined;
  const { schemaString, partitionColumns = [], configuration, format } = value;
  const provider = isObject(format) ? (format["provider"] ?? "parquet") : "parquet";
  if (!Array.isArray(partitionColumns) || provider !== "parquet") return undefined;
  const options = isObject(configuration) ? Object.entries(configuration) : [];
  return {
    schemaString,
    partitionColumns: partitionColumns.map(String),
    configuration: Object.fromEntries(options.map(([key, item]) => [key, String(item)])),
  };
}

const FEATURES: ReadonlySet<string> = new Set([
  "columnMapping",
  "deletionVectors",
  "timestampNtz",
  "typeWidening",
  "typeWidening-preview",
  "v2Checkpoint",
  "vacuumProtocolCheck",
]);

/** @throws `unsupported` for a table that asks for more than this reader knows; `parse_failed` for half a log. */
export function checkProtocol(replay: Replay, uri: string): { protocol: Protocol; metadata: Metadata } {
  const { protocol, metadata } = replay;
  if (protocol === undefined || metadata === undefined) {
    const what = protocol === undefined ? "protocol" : "metadata";
    throw new AmlError("parse_failed", `The log of the Delta table ${uri} has no ${what}.`, {
      hint: "The log is damaged: restore its first files or a checkpoint.",
      context: { uri },
    });
  }
  const { minReaderVersion: version, readerFeatures } = protocol;
  const unknown = version === 3 ? (readerFeatures ?? []).filter((name) => !FEATURES.has(name)) : [];
  if (version >= 1 && version <= 3 && unknown.length === 0) return { protocol, metadata };
  const what =
    version > 3 || version < 1 ? `reader version ${version}` : `the reader features ${unknown.join(", ")}`;
  throw new AmlError("unsupported", `The Delta table ${uri} needs ${what}.`, {
    hint: `Known are reader versions 1 to 3, and of features ${[...FEATURES].join(", ")}.`,
    context: { uri, version, features: unknown },
  });
}

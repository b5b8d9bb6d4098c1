import { isAmlError } from "./aml-error.ts";
import type { ContentHash, CopyJournal, CopyNote, CopyPlace, SavedHash } from "./copy-types.ts";
import type { FileRef } from "./engine.ts";
import type { ResumedWrite, StorageAdapter, StorePath } from "./storage.ts";

/** Smaller files are begun again: that is soon done. */
const SMALLEST_STEP = 64 * 1024 * 1024;
/** Blocks of one file that the services take; an eighth of a step is one. */
const MOST_BLOCKS = 50_000;
/** More than a target lags behind what was read. */
const STEPS_KEPT = 8;
/** What may be right the next time: whoever comes back goes on. */
const PASSING = ["auth_failed", "permission_denied", "resource_exhausted"];

export interface ResumeJob {
  readonly journal: CopyJournal | undefined;
  readonly target: StorageAdapter;
  readonly uriOf: (path: StorePath) => string;
  readonly signal: AbortSignal;
}

/** A copy that notes how far it is. */
export interface ResumedCopy {
  readonly write: ResumedWrite;
  /** Of all bytes up to now, those of earlier runs too. */
  readonly hash: ContentHash;
  /** Writes down the steps that were passed; to be called before more is read. */
  note(): Promise<void>;
  done(): Promise<void>;
  failed(error: unknown): Promise<void>;
}

/**
 * Takes up a copy where an earlier run or try has left it; begins to take notes where there is none. What is written
 * down of a step is there before the target hears of its end.
 *
 * @returns `undefined` where that is impossible, or not worth it: a small file, a source without an etag, a target that
 * keeps nothing, a copy that another run has under way.
 */
export async function resumeCopy(
  file: FileRef,
  to: StorePath,
  { journal, target, uriOf, signal }: ResumeJob,
): Promise<ResumedCopy | undefined> {
  const { size, etag } = file.stat;
  const stepBytes = 8 * Math.max(SMALLEST_STEP / 8, Math.ceil(size / MOST_BLOCKS));
  const can = journal !== undefined && etag !== undefined && target.keptBytes !== undefined;
  if (!can || size <= stepBytes) return undefined;
  const place = await journal.take(file.uri, uriOf(to));
  if (place === undefined) return undefined;
  try {
    const fresh: CopyNote = { id: crypto.randomUUID(), etag, size, stepBytes, steps: [] };
    const found = await findStep(place.note, fresh, target, to, signal);
    const hash = await journal.createHash(found?.step.hash);
    const note = found?.note ?? fresh;
    await place.save(note);
    return follow(note, found?.step.bytes ?? 0, { hash, place, target, to });
  } catch (error) {
    await place.leave();
    throw error;
  }
}

interface Step {
  readonly note: CopyNote;
  readonly step: CopyNote["steps"][number];
}

/** The last step that both the notes and the target have; what cannot be gone on with is thrown away. */
async function findStep(
  note: CopyNote | undefined,
  { etag, size, stepBytes }: CopyNote,
  target: StorageAdapter,
  to: StorePath,
  signal: AbortSignal,
): Promise<Step | undefined> {
  if (note === undefined) return undefined;
  const isSame = note.etag === etag && note.size === size && note.stepBytes === stepBytes;
  const kept = isSame ? ((await target.keptBytes?.(to, note, { signal })) ?? 0) : 0;
  const step = note.steps.findLast(({ bytes }) => bytes <= kept);
  if (step !== undefined) return { note, step };
  await target.dropKept?.(to, note, { signal });
  return undefined;
}

interface Following {
  readonly hash: SavedHash;
  readonly place: CopyPlace;
  readonly target: StorageAdapter;
  readonly to: StorePath;
}

function follow(start: CopyNote, offset: number, { hash, place, target, to }: Following): ResumedCopy {
  const { id, size, stepBytes } = start;
  let note = { ...start, steps: start.steps.filter(({ bytes }) => bytes <= offset) };
  let unsaved = false;
  let total = offset;
  const update = (bytes: Uint8Array): void => {
    for (let rest = bytes; rest.byteLength > 0;) {
      const part = rest.subarray(0, stepBytes - (total % stepBytes));
      hash.update(part);
      total += part.byteLength;
      rest = rest.subarray(part.byteLength);
      if (total % stepBytes !== 0) continue;
      note = { ...note, steps: [...note.steps, { bytes: total, hash: hash.save() }].slice(-STEPS_KEPT) };
      unsaved = true;
    }
  };
  return {
    write: { id, size, stepBytes, offset },
    hash: { update, digest: (encoding) => hash.digest(encoding) },
    async note() {
      if (!unsaved) return;
      unsaved = false;
      await place.save(note);
    },
    done: () => place.forget(),
    async failed(error) {
      // Also an interruption: the same command goes on.
      if (!isAmlError(error) || error.retryable || PASSING.includes(error.code)) return place.leave();
      await target.dropKept?.(to, start).catch(() => undefined);
      await place.forget();
    },
  };
}

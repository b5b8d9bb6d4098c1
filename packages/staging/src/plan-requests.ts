import type { ByteRange } from "./byte-ranges.ts";

/** Bytes of one request at most. */
export const PART_BYTES: number = 5 * 2 ** 20;

/** A request for a range of a file; the parts of it are wanted, what lies between them is not. */
export interface RangeRequest extends ByteRange {
  readonly parts: readonly RequestPart[];
}

export interface RequestPart extends ByteRange {
  /** The index of the piece that it is of. */
  readonly piece: number;
}

/**
 * Requests for pieces of a file, which do not overlap, in order. Pieces that lie at most a gap apart share one, up to
 * `PART_BYTES`, and a larger piece is cut.
 *
 * @param gapFor - asked before each request, with the number of pieces left, for what then is a gap: what the requests
 * before have told counts.
 */
export function* planRequests(
  pieces: readonly ByteRange[],
  gapFor: (left: number) => number,
): Generator<RangeRequest, void, undefined> {
  const inOrder = pieces.map((piece, index) => ({ ...piece, index })).toSorted((a, b) => a.start - b.start);
  let from = inOrder[0]?.start ?? 0;
  for (let at = 0; at < inOrder.length;) {
    const gap = gapFor(inOrder.length - at);
    const [start, most] = [from, from + PART_BYTES];
    const parts: RequestPart[] = [];
    let end = start;
    for (let piece = inOrder[at]; piece !== undefined && from - end <= gap && from < most;) {
      end = Math.min(piece.end, most);
      parts.push({ piece: piece.index, start: from, end });
      from = end;
      if (end < piece.end) continue;
      piece = inOrder[(at += 1)];
      from = piece?.start ?? end;
    }
    yield { start, end, parts };
  }
}

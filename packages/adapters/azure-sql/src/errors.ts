import { AmlError, isAmlError } from "@aml/core/adapter";
import { placeOfLine } from "@aml/core/sql";
import { FAILED, NETWORK, NO_TOKEN, NUMBERS, type Attempt, type Failure, type Row } from "./error-rows.ts";

export type { Attempt };

/** As tedious throws it. */
interface DriverFailure {
  readonly message?: string;
  readonly code?: unknown;
  readonly number?: unknown;
  readonly lineNumber?: unknown;
  readonly state?: unknown;
  readonly cause?: unknown;
  /** Of a statement that failed in several ways. */
  readonly errors?: readonly DriverFailure[];
  /** Of a login: all that the server said. */
  readonly messages?: readonly { readonly number: number; readonly message: string }[];
}

/** Turns a failure of the driver or the server into an `AmlError`. */
export function toError(error: unknown, attempt: Attempt): unknown {
  if (isAmlError(error)) return error;
  const failure = mainOf(error ?? {});
  const number = typeof failure.number === "number" ? failure.number : undefined;
  const words = (failure.message ?? String(error)).split("\n")[0] ?? "";
  const known: Failure = { ...attempt, said: words.replace(/\.$/, "") };
  const row = find(number, codesOf(failure), known);
  const place = placeOf(failure, number, attempt);
  const what = row?.[1](known) ?? `database '${attempt.database}' on ${attempt.host}: ${known.said}.`;
  return new AmlError(row?.[0] ?? "internal", sentence(place ? `${what} At ${place.shown}` : what), {
    operation: "query",
    hint: row?.[2]?.(known),
    context: {
      server: attempt.host,
      database: attempt.database,
      ...(number !== undefined && { number }),
      ...(typeof failure.state === "number" && { state: failure.state }),
      ...(place && { line: place.line }),
    },
    cause: error,
  });
}

/** Why an identity got no token, if its provider throws an error of its own. */
export function toTokenError(error: unknown, attempt: Attempt): unknown {
  if (isAmlError(error)) return error;
  const said = (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");
  const [code, what, hint] = NO_TOKEN;
  const failure = { ...attempt, said };
  return new AmlError(code, sentence(what(failure)), {
    operation: "query",
    hint: hint?.(failure),
    context: { server: attempt.host, database: attempt.database },
    cause: error,
  });
}

/** The first that is no consequence of another: "metadata could not be determined", "login failed". */
function mainOf(failure: DriverFailure): DriverFailure {
  const all =
    failure.errors ?? failure.messages?.map((message) => ({ ...message, code: failure.code })) ?? [];
  const [first] = all.filter(
    ({ number }) => typeof number === "number" && !(number >= 11_501 && number <= 11_537),
  );
  return first ?? all[0] ?? failure;
}

function codesOf({ code, message = "", cause }: DriverFailure): string {
  const inner = cause as DriverFailure | undefined;
  return [code, inner?.code, inner?.message, message].filter((part) => typeof part === "string").join(" ");
}

function find(number: number | undefined, codes: string, { bound }: Failure): Row | undefined {
  if (number !== undefined && number !== 0) {
    return NUMBERS[number] ?? (bound === undefined ? undefined : FAILED);
  }
  return NETWORK.find(([pattern]) => pattern.test(codes))?.[1];
}

/** The server counts lines of the text that it got, which are those of the text that was given. */
function placeOf(
  { lineNumber }: DriverFailure,
  number: number | undefined,
  { bound }: Attempt,
): ReturnType<typeof placeOfLine> | undefined {
  if (bound === undefined || number === undefined || typeof lineNumber !== "number") return undefined;
  const lines = bound.original.split("\n").length;
  return lineNumber >= 1 && lineNumber <= lines ? placeOfLine(bound.original, lineNumber) : undefined;
}

/** Starts with a capital: a row may begin with what it is about. */
function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

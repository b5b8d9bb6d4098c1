import { EmulatorError } from "../emulator-error.ts";
import type { Fault } from "./fault.ts";

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => string | undefined;

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const wholeFrom =
  (least: number, most = Number.MAX_SAFE_INTEGER): Check =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : most === Number.MAX_SAFE_INTEGER
        ? `a whole number from ${least}`
        : `a whole number from ${least} to ${most}`;
const text: Check = (value) => (isText(value) ? undefined : "a text");
const texts: Check = (value) =>
  isFields(value) && Object.values(value).every((one) => typeof one === "string")
    ? undefined
    : "an object of texts";

const RULE: Readonly<Record<string, Check>> = {
  does: () => undefined,
  service: text,
  match: () => undefined,
  call: wholeFrom(1),
  times: wholeFrom(1),
};

const MATCH: Readonly<Record<string, Check>> = {
  method: (value) => (isText(value) && /^[A-Z]+$/.test(value) ? undefined : "a method in capitals"),
  path: (value) => (isText(value) && isPattern(value) ? undefined : "a regular expression, as a text"),
  headers: (value) => (Array.isArray(value) && value.every(isText) ? undefined : "a list of header names"),
};

/** What each kind takes besides the rule itself; a `!` marks what it must have. */
const KINDS: Readonly<Record<Fault["does"], Readonly<Record<string, Check>>>> = {
  status: {
    "status!": wholeFrom(200, 599),
    headers: texts,
    body: (value) => (isText(value) || isFields(value) ? undefined : "a text or an object"),
    code: text,
  },
  delay: { "delayMs!": wholeFrom(0) },
  cut: { afterBytes: wholeFrom(0) },
  truncate: { afterBytes: wholeFrom(0) },
  stall: { afterBytes: wholeFrom(0) },
  reset: {},
  change_etag: {},
  clock_skew: { "skewMs!": (value) => (Number.isSafeInteger(value) ? undefined : "a whole number") },
};

/**
 * Reads the text of a `faults.json`: a list of faults.
 *
 * @param name - of the file, for messages.
 * @throws {EmulatorError} for what is not JSON, an unknown key (with the known ones) or a wrong value, with its place.
 */
export function parseFaults(json: string, name = "faults.json"): readonly Fault[] {
  let list: unknown;
  try {
    list = JSON.parse(json);
  } catch (cause) {
    throw new EmulatorError(`${name} is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (!Array.isArray(list)) throw new EmulatorError(`${name} must be a list of faults, [{ "does": … }, …].`);
  return list.map((item: unknown, index) => parseFault(item, `${name}, fault ${index + 1}`));
}

/**
 * Checks one fault.
 *
 * @param place - for messages.
 * @throws {EmulatorError} see `parseFaults`.
 */
export function parseFault(item: unknown, place: string): Fault {
  if (!isFields(item)) throw new EmulatorError(`${place} must be an object such as { "does": "reset" }.`);
  const { does, match } = item;
  if (typeof does !== "string" || !Object.hasOwn(KINDS, does)) {
    throw new EmulatorError(`${place}: "does" must be one of ${Object.keys(KINDS).join(", ")}.`);
  }
  check(item, { ...RULE, ...KINDS[does as Fault["does"]] }, place);
  if (match !== undefined) {
    if (!isFields(match)) throw new EmulatorError(`${place}: "match" must be an object.`);
    check(match, MATCH, `${place}, "match"`);
  }
  return Object.freeze(item) as unknown as Fault;
}

function check(item: Fields, checks: Readonly<Record<string, Check>>, place: string): void {
  const known = Object.keys(checks).map((key) => key.replace("!", ""));
  for (const key of Object.keys(item)) {
    if (known.includes(key)) continue;
    throw new EmulatorError(`${place} has an unknown key "${key}"; here it may have ${known.join(", ")}.`);
  }
  for (const [key, expected] of Object.entries(checks)) {
    const value = item[key.replace("!", "")];
    if (value === undefined && !key.endsWith("!")) continue;
    const problem = expected(value);
    if (problem !== undefined) {
      throw new EmulatorError(`${place}: "${key.replace("!", "")}" must be ${problem}.`);
    }
  }
}

function isPattern(source: string): boolean {
  try {
    return new RegExp(source) instanceof RegExp;
  } catch {
    return false;
  }
}

import { AmlError } from "./aml-error.ts";
import type { Plan, Step } from "./plan.ts";
import { checkStep } from "./step-schema.ts";
import {
  eachOf,
  integer,
  isPlainObject,
  quote,
  record,
  text,
  type Check,
  type PlanIssue,
  type Pointer,
  type Report,
} from "./value-check.ts";

const uri: Check = (value, at, report) => {
  if (typeof value === "string" && /^[a-z][a-z\d+.-]+:[^\0]+$/is.test(value)) return value;
  report({ pointer: at, message: `must be an absolute URI, not ${quote(value)}` });
};

/** A download writes there, so it must not climb out of its folder. */
const relativePath: Check = (value, at, report) => {
  if (
    typeof value === "string" &&
    !value.includes("\0") &&
    /^(?!(?:.*[/\\])?\.{0,2}(?:[/\\]|$))/s.test(value)
  ) {
    return value;
  }
  report({ pointer: at, message: `must be a path below a folder, not ${quote(value)}` });
};

const paths = eachOf(record({ file: uri, folder: uri, pattern: uri }, [], { one: true }), 1);
const pinned = eachOf(
  record({ uri, relativePath, size: integer(0), etag: text({ empty: true }) }, [
    "uri",
    "relativePath",
    "size",
  ]),
);
const SOURCES: Readonly<Record<string, Check>> = {
  paths: record({ from: text(), paths, pinned }, ["paths"]),
  query: record({ from: text(), datastore: text(), query: text(), timeoutMs: integer(1) }, [
    "datastore",
    "query",
  ]),
};

const source: Check = (value, at, report) => {
  const from = isPlainObject(value) ? value["from"] : value;
  if (typeof from === "string" && Object.hasOwn(SOURCES, from)) return SOURCES[from]?.(value, at, report);
  report({ pointer: at, message: `must be a mapping with from "paths" or "query", not ${quote(from)}` });
};

const step: Check = (value, at, report) => {
  const { op, ...fields } = (isPlainObject(value) ? value : {}) as Record<string, unknown>;
  if (typeof op === "string") return checkStep(op, fields, report, at, false);
  report({ pointer: at, message: `must be a mapping with an op, not ${quote(value)}` });
};

const version: Check = (value, at, report) => {
  if (value === 1) return value;
  const newer = Number.isSafeInteger(value) && (value as number) > 1;
  report({
    pointer: at,
    message: newer ? `is ${quote(value)}, newer than this release reads` : `must be 1, not ${quote(value)}`,
    ...(newer && { hint: "Upgrade @aml/core to the release that wrote this plan, or a later one." }),
  });
};

const planCheck = record({ version, source, steps: eachOf(step) }, ["version", "source", "steps"], {
  also(plan, at, report) {
    const { paths: entries } = plan["source"] as { readonly paths?: readonly object[] };
    checkSteps(plan["steps"] as readonly Step[], entries, (issue) =>
      report({ ...issue, pointer: [...at, "steps", ...issue.pointer] }),
    );
  },
});

/**
 * Checks what steps ask of one another and of the source: at most one read step, only steps that choose files before
 * it, none over a query; one folder for Delta and no partition format with it.
 *
 * @param paths - of the source; undefined for a query.
 */
export function checkSteps(
  steps: readonly Step[],
  paths: readonly object[] | undefined,
  report: Report,
): void {
  const reads = steps.flatMap((each, index) => (each.op.startsWith("read_") ? [index] : []));
  const formats = steps.flatMap((each, index) => (each.op.startsWith("extract_") ? [index] : []));
  const [read, again] = reads;
  const say = (index: number, message: string): void => report({ pointer: [index], message });
  if (again !== undefined)
    say(again, `is a second read step (the first is steps[${read}]): a table is read once`);
  if (formats[1] !== undefined) say(formats[1], "is a second partition format: write one for all columns");
  const first = reads.concat(formats)[0];
  if (paths === undefined && first !== undefined) say(first, "reads files, but the source is a query");
  if (read === undefined) return;
  for (const [index, { op }] of steps.slice(0, read).entries()) {
    if (/^(convert_|keep_|drop_|select_)/.test(op)) {
      say(
        index,
        `is ${op} before the read step (steps[${read}]): there are only files yet, no columns or rows`,
      );
    }
  }
  if (steps[read]?.op !== "read_delta_lake" || paths === undefined) return;
  if (paths.length !== 1 || !("folder" in (paths[0] ?? {}))) {
    say(read, "needs exactly one path, a folder: the root of the Delta table");
  }
  if (formats[0] !== undefined)
    say(formats[0], "does not go with read_delta_lake, which has partition columns");
}

/**
 * Checks that a value is a plan, and copies it: plain, frozen, options that have their default value left out,
 * encodings by their short names. Nothing unknown is let through or left out.
 *
 * @param input - for example the result of `JSON.parse`.
 * @throws `plan_invalid` with the first fault; `context.errors` has the text of all. A newer `version` is refused.
 */
export function parsePlan(input: unknown): Plan {
  const issues: PlanIssue[] = [];
  const newer = isPlainObject(input) && version(input["version"], ["version"], (issue) => issues.push(issue));
  // The keys of a newer plan are not ours to judge.
  const plan = newer === 1 ? planCheck(input, [], (issue) => issues.push(issue)) : undefined;
  if (!isPlainObject(input)) issues.push({ pointer: [], message: `must be a mapping, not ${quote(input)}` });
  const [first] = issues;
  if (first === undefined) return plan as Plan;
  const errors = issues.map((issue) => `${pointerText(issue.pointer)} ${issue.message}`);
  throw new AmlError(
    "plan_invalid",
    errors.length > 1 ? `${errors[0]} (and ${errors.length - 1} more)` : `${errors[0]}`,
    {
      hint: first.hint ?? (first.known && `Known here are: ${first.known.join(", ")}.`),
      context: { pointer: first.pointer, errors },
    },
  );
}

/** A pointer as people write it: `steps[2].count`. The root is `fallback`. */
export function pointerText(pointer: Pointer, fallback = "plan"): string {
  const text = pointer.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`)).join("");
  return text === "" ? fallback : text.replace(/^\./, "");
}

/**
 * A plan's canonical JSON: keys sorted, defaults left out, so recipes that say the same are the same text.
 *
 * @throws `plan_invalid` as `parsePlan`.
 */
export function canonicalPlan(plan: Plan): string {
  return JSON.stringify(parsePlan(plan), (_, value: unknown) =>
    isPlainObject(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}

/**
 * A plan's identity: `sha256:` and 64 hexadecimal digits over its canonical JSON.
 *
 * @throws `plan_invalid` as `parsePlan`. Browsers have the hash in secure contexts only.
 */
export async function planHash(plan: Plan): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(canonicalPlan(plan)));
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"));
  return `sha256:${hex.join("")}`;
}

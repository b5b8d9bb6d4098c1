import { AmlError } from "./aml-error.ts";
import type { PathSpec, Plan, Step } from "./plan.ts";
import { stepCheck } from "./step-schema.ts";
import {
  dictionary,
  integer,
  isPlainObject,
  json,
  list,
  must,
  quote,
  record,
  sortedJson,
  text,
  type Check,
  type PlanIssue,
  type Pointer,
  type Report,
} from "./value-check.ts";

const uri = must("an absolute URI", (value) => /^[a-z][a-z\d+.-]+:[^\0]+$/i.test(String(value)));
// A download writes there, so it must not climb out of its folder.
const relativePath = must(
  "a path below a folder",
  (value) =>
    typeof value === "string" &&
    !value.includes("\0") &&
    value.split(/[/\\]/).every((segment) => !/^\.{0,2}$/.test(segment)),
);

const pathSource = record(
  {
    from: text(),
    paths: list(record({ file: uri, folder: uri, pattern: uri }, [], { one: true }), 1),
    pinned: list(
      record({ uri, relativePath, size: integer(0), etag: text() }, ["uri", "relativePath", "size"]),
    ),
  },
  ["paths"],
);
const scalar = must(
  "a scalar",
  (value) => value === null || ["string", "boolean"].includes(typeof value) || Number.isFinite(value),
);
const querySource = record(
  {
    from: text(),
    datastore: text(),
    query: text(),
    timeoutMs: integer(1),
    parameters: dictionary(scalar),
  },
  ["datastore", "query"],
);
const notSource = must('a mapping with from: "paths" or "query"', () => false);
const source: Check = (value, at, report) => {
  const from = isPlainObject(value) && value["from"];
  const check = from === "paths" ? pathSource : from === "query" ? querySource : notSource;
  return check(value, at, report);
};

const traits = record({ timestamp_column: text(), partition_timestamp_column: text() }, ["timestamp_column"]);
const mltable = record({ traits: dictionary(json), metadata: dictionary(json) });
const planCheck = record({ version: integer(1), source, steps: list(stepCheck), traits, mltable }, [
  "source",
  "steps",
]);

/**
 * Checks what steps ask of one another and of the source: at most one read step, no step over columns before it, no
 * reading over a query; one folder for Delta, and no partition format with it.
 *
 * @param paths - of the source; undefined for a query.
 * @param report - gets pointers that start with the step's index.
 */
export function checkSteps(
  steps: readonly Step[],
  paths: readonly PathSpec[] | undefined,
  report: Report,
): void {
  let read: string | undefined;
  let overColumns: string | undefined;
  for (const [index, { op }] of steps.entries()) {
    const say = (message: string): unknown => report({ pointer: [index], message: `is ${op}, ${message}` });
    const isRead = op.startsWith("read_");
    const isFormat = op.startsWith("extract_");
    if ((isRead || isFormat) && !paths) say("but the source is a query, not files");
    if (isRead && read) say(`but ${read} has read the files already`);
    const late = op === "read_delta_lake" ? index && steps[0]?.op : overColumns;
    if (isRead && late) say(`which must stand before ${late}`);
    if (isFormat && steps.some((step) => step.op === "read_delta_lake")) {
      say("but Delta keeps partition columns itself");
    }
    if (op === "read_delta_lake" && paths && !(paths.length === 1 && "folder" in (paths[0] as PathSpec))) {
      say("which needs exactly one path, a folder: the table's root");
    }
    if (isRead) read ??= op;
    if (/^(convert|keep|drop)_/.test(op)) overColumns ??= op;
  }
}

/**
 * Checks that a value is a plan, and copies it: plain, frozen, options that have their default value left out,
 * encodings by their short names. Nothing unknown is let through or left out.
 *
 * @param input - for example the result of `JSON.parse`.
 * @throws `plan_invalid` with the first fault; `context.errors` has the texts of all. A newer `version` is refused.
 */
export function parsePlan(input: unknown): Plan {
  const issues: PlanIssue[] = [];
  const report: Report = (issue) => issues.push(issue);
  const version = isPlainObject(input) ? input["version"] : 1;
  // The keys of a newer plan are not ours to judge.
  const hint = Number(version) > 1 ? "Upgrade @aml/core to the release that wrote it." : undefined;
  if (version !== 1) report({ pointer: ["version"], message: `must be 1, not ${quote(version)}`, hint });
  const plan = (issues[0] ?? planCheck(input, [], report)) as Plan;
  if (!issues[0]) {
    const { source: files, steps } = plan;
    const paths = files.from === "paths" ? files.paths : undefined;
    checkSteps(steps, paths, (issue) => report({ ...issue, pointer: ["steps", ...issue.pointer] }));
  }
  const [first] = issues;
  if (!first) return plan;
  const errors = issues.map((issue) => `${pointerText(issue.pointer) || "plan"} ${issue.message}`);
  throw new AmlError("plan_invalid", errors[0] as string, {
    hint: first.hint ?? (first.known && `Known are: ${first.known.join(", ")}.`),
    context: { pointer: first.pointer, errors },
  });
}

/** A pointer as people write it: `steps[2].count`; empty for the root. */
export function pointerText(pointer: Pointer): string {
  const keys = pointer.map((key) => (typeof key === "number" ? `[${key}]` : `.${key}`));
  return keys.join("").replace(/^\./, "");
}

/**
 * A plan's canonical JSON: keys sorted, defaults left out, so recipes that say the same are the same text.
 *
 * @throws `plan_invalid` as `parsePlan`.
 */
export function canonicalPlan(plan: Plan): string {
  return sortedJson(parsePlan(plan));
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

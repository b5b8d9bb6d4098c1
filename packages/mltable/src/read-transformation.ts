import { isAmlError, type Step } from "@aml/core";
import { parseFilter, parseStep, type PlanIssue, type Pointer, type Report, STEP_OPS } from "@aml/core/plan";

/** The steps that may stand without an argument. */
const BARE = /^(read_|extract_columns_)/;

/** One item of `transformations`; undefined after an error. */
export function readTransformation(item: unknown, at: Pointer, report: Report): Step | undefined {
  if (typeof item === "string") {
    if (BARE.test(item) || !STEP_OPS.includes(item as Step["op"])) return readStep(item, {}, at, report);
    report({ pointer: at, message: `is ${item} without its argument`, hint: `Write "- ${item}: …".` });
    return undefined;
  }
  if (typeof item !== "object" || item === null || Array.isArray(item)) {
    report({
      pointer: at,
      message: "must be a step: a mapping with one key",
      hint: `Known are: ${STEP_OPS.join(", ")}.`,
    });
    return undefined;
  }
  const entries = Object.entries(item);
  const [op, argument] = entries[0] ?? [];
  if (op === undefined || entries.length > 1) {
    const hint =
      argument === null
        ? `Indent the options of ${op} by two spaces more than ${op} itself.`
        : "Begin each step with its own dash.";
    report({ pointer: at, message: `must have exactly one key, the step, not ${entries.length}`, hint });
    return undefined;
  }
  return readStep(op, argument, at, report);
}

function readStep(op: string, argument: unknown, at: Pointer, report: Report): Step | undefined {
  const inside = [...at, op];
  if (!STEP_OPS.includes(op as Step["op"])) {
    report({ pointer: at, key: op, known: STEP_OPS, message: `is an unknown step, ${JSON.stringify(op)}` });
    return undefined;
  }
  if (argument === null) {
    const hint = op.startsWith("read_")
      ? `Write "- ${op}" without a colon for all defaults.`
      : "Give it a value.";
    report({ pointer: inside, message: "has no value", hint });
    return undefined;
  }
  if (op === "filter") return readFilter(argument, inside, report);
  if (op === "extract_columns_from_partition_format")
    return parseStep(op, partitionFormat(argument), report, inside);
  return parseStep(op, argument, report, inside);
}

function readFilter(text: unknown, at: Pointer, report: Report): Step | undefined {
  if (typeof text !== "string") {
    report({
      pointer: at,
      message: "must be a string",
      hint: `Write the condition in quotes, such as "col('a') > 1".`,
    });
    return undefined;
  }
  try {
    return parseStep("filter", parseFilter(text), report, at);
  } catch (error) {
    if (!isAmlError(error)) throw error;
    const issue: PlanIssue & { position: unknown } = {
      pointer: at,
      message: `is no filter: ${error.message.split("\n", 1)[0]?.replace(/^Filter, column \d+: /, "")}`,
      hint: error.hint,
      position: error.context["position"],
    };
    report(issue);
    return undefined;
  }
}

/** `{timestamp:yyyy/MM/dd}` without quotes is a mapping to YAML: one key, no value. A plain text is taken as well. */
function partitionFormat(argument: unknown): unknown {
  if (typeof argument === "string") return { partition_format: argument };
  const entries = Object.entries(argument as object);
  const [key, value] = entries[0] ?? [];
  return entries.length === 1 && value === null && key !== "partition_format"
    ? { partition_format: `{${key}}` }
    : argument;
}

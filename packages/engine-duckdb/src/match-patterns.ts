import { AmlError, type ColumnSelector, type Step } from "@aml/core";
import type { Scope } from "./scope.ts";
import { quoteList, quoteText } from "./sql-text.ts";

type Pattern = Exclude<ColumnSelector, string | readonly string[]>;

/**
 * The names that each selector with a pattern matches anywhere. DuckDB's regular expressions take linear time,
 * JavaScript's do not, and a pattern may come from a stranger's file.
 *
 * @throws `plan_invalid` for a pattern that is no regular expression.
 */
export async function matchPatterns(
  steps: readonly Step[],
  names: readonly string[],
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const out = new Map<string, ReadonlySet<string>>();
  for (const [index, step] of steps.entries()) {
    for (const selector of selectorsOf(step)) {
      const key = JSON.stringify(selector);
      if (!out.has(key)) out.set(key, new Set(await matching(selector, names, index, scope, signal)));
    }
  }
  return out;
}

function selectorsOf(step: Step): readonly Pattern[] {
  const all =
    step.op === "keep_columns" || step.op === "drop_columns"
      ? [step.columns]
      : step.op === "convert_column_types"
        ? step.columns.map(({ columns }) => columns)
        : [];
  return all.filter((selector): selector is Pattern => typeof selector === "object" && "pattern" in selector);
}

async function matching(
  { pattern, ignore_case }: Pattern,
  names: readonly string[],
  index: number,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<readonly string[]> {
  const flags = ignore_case === true ? "i" : "c";
  try {
    const result = await scope.run(
      `SELECT i FROM (SELECT unnest(range(${names.length})) AS i, unnest(${quoteList(names)}::VARCHAR[]) AS n) ` +
        `WHERE regexp_matches(n, ${quoteText(pattern)}, '${flags}') ORDER BY i`,
      signal,
    );
    return (await result.getRows()).map(([at]) => names[Number(at)] ?? "");
  } catch (cause) {
    signal?.throwIfAborted();
    throw new AmlError(
      "plan_invalid",
      `Step ${index} has a pattern that is no regular expression: ${pattern}`,
      {
        hint: "Use RE2 syntax: no look-around and no back-references.",
        context: { step: index, pattern },
        cause,
      },
    );
  }
}

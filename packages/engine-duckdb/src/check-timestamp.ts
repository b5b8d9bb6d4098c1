import { AmlError, type Expr, type PlanTraits, type Step } from "@aml/core";
import { columnTypeOf, type PlanColumn } from "./plan-column.ts";

/**
 * Refuses a filter that compares the timestamp column with a datetime while it holds something else: text and datetimes
 * have no order, so every row would go without a word.
 *
 * @throws `schema_mismatch`.
 */
export function checkTimestamp(
  traits: PlanTraits | undefined,
  step: Step,
  index: number,
  columns: readonly PlanColumn[],
): void {
  if (traits === undefined || step.op !== "filter") return;
  for (const name of Object.values(traits) as readonly string[]) {
    const column = columns.find((each) => each.name === name);
    if (column === undefined || !isComparedWithTime(step.where, name)) continue;
    const type = columnTypeOf(column.sqlType);
    if (type === "timestamp" || type === "date") continue;
    throw new AmlError("schema_mismatch", `The timestamp column ${name} is of type ${type}.`, {
      hint: "Convert it to datetime before filtering by time: convertColumnTypes({ … datetime: { formats } }).",
      context: { step: index, column: name, type },
    });
  }
}

function isComparedWithTime(expr: Expr, column: string): boolean {
  if (!("fn" in expr)) return false;
  const [left, right] = expr.args;
  const isTime = right !== undefined && "fn" in right && right.fn === "datetime";
  if (isTime && left !== undefined && "col" in left && left.col === column) return true;
  return expr.args.some((arg) => isComparedWithTime(arg, column));
}

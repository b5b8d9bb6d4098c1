/** What an expression may use: parameters and variables by name. Each throws when there is none. */
export interface TemplateScope {
  parameter(name: string): string;
  variable(name: string): string;
}

/** Why an expression was refused; it quotes names of functions only. */
export class ExpressionError extends Error {
  override readonly name = "ExpressionError";
}

interface Cursor {
  readonly text: string;
  at: number;
  depth: number;
}

/** Calls within calls; templates that people write have fewer than ten. */
const DEEPEST = 50;
/** Characters of one value: variables that double each other would fill the memory. */
const LONGEST = 100_000;

/**
 * The value of a text of a template: itself, or that of the expression in its brackets, which may call `parameters`,
 * `variables`, `concat` and `format`. Parsed, never evaluated as code.
 *
 * @throws `ExpressionError` for any other function, and for what is no expression.
 * @see https://learn.microsoft.com/azure/azure-resource-manager/templates/template-expressions – read 2026-11
 */
export function templateText(text: string, scope: TemplateScope): string {
  if (!text.startsWith("[") || !text.endsWith("]")) return text;
  // Two brackets stand for one that is meant as such.
  if (text.startsWith("[[")) return text.slice(1);
  const cursor: Cursor = { text: text.slice(1, -1), at: 0, depth: 0 };
  const value = expression(cursor, scope);
  if (take(cursor, /\s*$/y) === undefined) throw unreadable();
  return value;
}

function expression(cursor: Cursor, scope: TemplateScope): string {
  take(cursor, /\s*/y);
  const quoted = take(cursor, /'(?:[^']|'')*'/y);
  if (quoted !== undefined) return quoted.slice(1, -1).replaceAll("''", "'");
  const number = take(cursor, /-?\d+/y);
  if (number !== undefined) return number;
  const name = take(cursor, /[A-Za-z][\w.]{0,60}/y);
  if (name === undefined || take(cursor, /\s*\(/y) === undefined) throw unreadable();
  if (++cursor.depth > DEEPEST) throw new ExpressionError("this template expression is too deep");
  const value = call(name, () => args(cursor, scope), scope);
  cursor.depth -= 1;
  if (value.length > LONGEST) throw new ExpressionError("the value of this template expression is too long");
  return value;
}

function args(cursor: Cursor, scope: TemplateScope): readonly string[] {
  const values: string[] = [];
  if (take(cursor, /\s*\)/y) !== undefined) return values;
  for (;;) {
    values.push(expression(cursor, scope));
    if (take(cursor, /\s*\)/y) !== undefined) return values;
    if (take(cursor, /\s*,/y) === undefined) throw unreadable();
  }
}

function call(name: string, values: () => readonly string[], scope: TemplateScope): string {
  // Functions are named without regard to case.
  switch (name.toLowerCase()) {
    case "parameters":
      return scope.parameter(only(values()));
    case "variables":
      return scope.variable(only(values()));
    case "concat":
      return values().join("");
    case "format":
      return format(values());
    default:
      throw new ExpressionError(`the template function '${name}' is not supported`);
  }
}

function only(values: readonly string[]): string {
  const [value] = values;
  if (value === undefined || values.length > 1) throw unreadable();
  return value;
}

/** `{0}` to `{n}`; doubled braces stand for themselves. */
function format([pattern = "", ...values]: readonly string[]): string {
  return pattern.replace(/\{\{|\}\}|\{(\d+)\}|[{}]/g, (found, index?: string) => {
    if (found === "{{" || found === "}}") return found.charAt(0);
    const value = index === undefined ? undefined : values[Number(index)];
    if (value === undefined) throw unreadable();
    return value;
  });
}

function unreadable(): ExpressionError {
  return new ExpressionError("this template expression cannot be read");
}

function take(cursor: Cursor, pattern: RegExp): string | undefined {
  pattern.lastIndex = cursor.at;
  const found = pattern.exec(cursor.text)?.[0];
  if (found !== undefined) cursor.at += found.length;
  return found;
}

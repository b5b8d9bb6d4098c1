import { type AmlError, isAmlError, redact } from "@aml/core";
import { inspect, styleText } from "node:util";
import { commandWords } from "./command-words.ts";
import { exitCodeOf } from "./exit-code.ts";
import { jsonText } from "./json-text.ts";
import { oneLine } from "./print-table.ts";
import { Interruption, type Output } from "./terminal.ts";

export interface ReportOptions {
  readonly json: boolean;
  /** Adds context and the chain of causes. */
  readonly verbose: boolean;
  readonly color: boolean;
}

/** Prints an error on stderr; gives the exit code. An interruption is not worth a word. */
export function reportError(error: unknown, stderr: Output, options: ReportOptions): number {
  if (error instanceof Interruption) return error.exitCode;
  const report = describe(error);
  const exitCode = exitCodeOf(report.code);
  const causes = options.verbose ? causeChain(error) : [];
  if (options.json) {
    const hint = report.hint === undefined ? undefined : commandWords(report.hint);
    stderr.write(
      `${jsonText({ error: { ...report, hint, exitCode, causes: options.verbose ? causes : undefined } })}\n`,
    );
    return exitCode;
  }
  const label = (text: string, color: "red" | "cyan"): string =>
    options.color ? styleText(color, text, { validateStream: false }) : text;
  const lines = [`${label("error:", "red")} ${eachLine(report.message)}`];
  if (report.hint !== undefined)
    lines.push(`${label("hint:", "cyan")} ${eachLine(commandWords(report.hint))}`);
  lines.push(`code: ${report.code}`);
  if (options.verbose) {
    for (const [key, value] of Object.entries(report.context))
      lines.push(`  ${key}: ${oneLine(redact(asText(value)))}`);
    for (const cause of causes) lines.push(`caused by: ${cause}`);
  }
  stderr.write(`${lines.join("\n")}\n`);
  return exitCode;
}

interface Report {
  readonly code: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly context: Readonly<Record<string, unknown>>;
}

function describe(error: unknown): Report {
  if (isAmlError(error)) {
    const { code, message, hint, context }: AmlError = error;
    return { code, message, hint, context };
  }
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  const context = {};
  if (code === "ENOSPC" || code === "EDQUOT") {
    const message = "The output could not be written: the disk is full.";
    return { code: "resource_exhausted", message, hint: "Free some space, or write elsewhere.", context };
  }
  if (syscall === "uv_cwd") {
    const message = "The current folder is not there any more.";
    return { code: "not_found", message, hint: "Change to a folder that exists.", context };
  }
  return {
    code: "internal",
    message: redact(error instanceof Error ? error.message : asText(error)),
    hint: "This looks like a bug: report it with the output of the same command and --verbose.",
    context: {},
  };
}

function causeChain(error: unknown): readonly string[] {
  const chain: string[] = [];
  if (error instanceof Error && !isAmlError(error) && error.stack !== undefined)
    chain.push(redact(error.stack));
  let cause = error instanceof Error ? error.cause : undefined;
  // A chain that is longer than this is a circle.
  while (cause !== undefined && cause !== null && chain.length < 20) {
    chain.push(redact(cause instanceof Error ? `${cause.name}: ${cause.message}` : asText(cause)));
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return chain;
}

/** A message may have lines of its own, such as the one that points at a column. */
function eachLine(text: string): string {
  return text.split("\n").map(oneLine).join("\n");
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : inspect(value, { depth: 4, breakLength: Infinity });
}

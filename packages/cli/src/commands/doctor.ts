import { AmlError } from "@aml/core";
import type { Hop } from "@aml/workspace";
import { styleText } from "node:util";
import { commandWords } from "../command-words.ts";
import { jsonText } from "../json-text.ts";
import { oneLine } from "../print-table.ts";
import type { GlobalFlags, Session } from "../session.ts";

export interface DoctorFlags extends GlobalFlags {
  readonly path?: string;
  readonly write?: boolean;
  readonly timeout?: number;
}

/** `aml doctor` */
export async function doctor(session: Session, flags: DoctorFlags, name: string): Promise<void> {
  const workspace = await session.open();
  const { path, write, timeout } = flags;
  const report = await workspace.doctor(name, {
    path,
    write,
    signal: session.signal,
    ...(timeout !== undefined && { timeoutMs: timeout * 1000 }),
    onHop: session.json ? undefined : (hop) => session.write(hopText(hop, session.color)),
  });
  if (session.json) await session.write(`${jsonText(report)}\n`);
  const broken = report.hops.find(({ status }) => status === "failed");
  if (broken !== undefined) {
    throw new AmlError(broken.code ?? "internal", `${name} is broken at ${broken.name}: ${broken.message}`, {
      operation: "doctor",
      hint: broken.hint,
      context: broken.facts,
    });
  }
  if (!session.json) await session.write(`\nDatastore '${name}' is well.\n`);
}

const COLORS = { ok: "green", failed: "red", skipped: "gray" } as const;

function hopText({ name, status, message, hint, durationMs }: Hop, color: boolean): string {
  const word = status.padEnd(7);
  const shown = color ? styleText(COLORS[status], word, { validateStream: false }) : word;
  const time = status === "skipped" ? "" : `  (${durationMs} ms)`;
  // What is broken is told at the end, with its hint.
  const next =
    status === "ok" && hint !== undefined ? `${" ".repeat(21)}${oneLine(commandWords(hint))}\n` : "";
  return `${shown}  ${name.padEnd(10)}  ${oneLine(message)}${time}\n${next}`;
}

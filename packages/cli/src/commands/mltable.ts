import { AmlError, isAmlError } from "@aml/core";
import type { MLTableFault } from "@aml/mltable";
import { oneLine } from "../print-table.ts";
import type { Session } from "../session.ts";

/** `aml mltable validate`: every fault is printed, and the first one's code makes the exit code. */
export async function validateMLTable(session: Session, folder: string): Promise<void> {
  const workspace = await session.open();
  const uri = workspace.resolve(folder);
  try {
    const dataset = await workspace.loadMLTable(folder, { signal: session.signal });
    await session.print(
      { uri, valid: true, kind: dataset.kind, faults: [] },
      () => `${oneLine(folder)} is valid.\n`,
    );
  } catch (error) {
    const faults = faultsOf(error);
    if (!isAmlError(error) || faults.length === 0) throw error;
    await session.print({ uri, valid: false, faults }, () =>
      faults
        .map(
          ({ message, hint }) => `${oneLine(message)}${hint === undefined ? "" : `  (${oneLine(hint)})`}\n`,
        )
        .join(""),
    );
    throw new AmlError(
      error.code,
      `${folder} has ${faults.length === 1 ? "a fault" : `${faults.length} faults`}.`,
      {
        hint: "Correct the lines above.",
        context: { uri },
        cause: error,
      },
    );
  }
}

function faultsOf(error: unknown): readonly Pick<MLTableFault, "message" | "hint">[] {
  const errors = isAmlError(error) ? error.context["errors"] : undefined;
  // Of a plan, faults are texts.
  return Array.isArray(errors)
    ? errors.map((fault: MLTableFault | string) => (typeof fault === "string" ? { message: fault } : fault))
    : [];
}

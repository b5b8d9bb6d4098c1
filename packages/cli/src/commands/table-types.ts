import { AmlError } from "@aml/core";
import { oneLine } from "../print-table.ts";
import { type Session, tableStyle } from "../session.ts";
import { shownPath } from "../shown-path.ts";
import { typesText } from "../types-text.ts";
import { withTypes } from "../with-types.ts";
import type { OpenedTable, SchemaFlags } from "./table.ts";

/** `aml table schema` with `--explain`, `--rows`, `--lossless` or `--save`. */
export async function showTypes(
  session: Session,
  flags: SchemaFlags,
  source: string,
  { table, detected }: OpenedTable,
): Promise<void> {
  const { signal } = session;
  const workspace = await session.open();
  const { rows, lossless, save } = flags;
  const types = await table.inferTypes({ rows, lossless, signal });
  let saved: string | undefined;
  if (typeof save === "string") {
    const plan = { ...table.plan, steps: withTypes(table.plan.steps, types) };
    await workspace.saveMLTable(workspace.tabular.fromPlan(plan), save, { signal });
    saved = save;
  } else if (save === true) {
    if (detected.kind !== "mltable") throw noMLTable(source);
    saved = source.replace(/(^|\/)MLTable$/, "$1") || ".";
    await workspace.editMLTable(
      saved,
      ({ transformations }) => ({ transformations: withTypes(transformations, types) }),
      { signal },
    );
  }
  await session.print({ source: detected.kind, ...types, ...(saved === undefined ? {} : { saved }) }, () =>
    [
      typesText(types, tableStyle(session, false), (uri) => shownPath(uri, source, session.terminal.cwd)),
      saved === undefined ? "" : `Written into the MLTable file of ${oneLine(saved)}.\n`,
    ].join(""),
  );
}

function noMLTable(source: string): AmlError {
  return new AmlError("config_invalid", `${source} has no MLTable file that types could be written into.`, {
    hint: "Name the folder of a new one: --save FOLDER.",
    context: { source },
  });
}

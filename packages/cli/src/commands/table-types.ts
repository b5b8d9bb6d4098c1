import { AmlError, type InferredTypes, type TabularDataset } from "@aml/core";
import { oneLine } from "../print-table.ts";
import { type Session, tableStyle } from "../session.ts";
import { shownPath } from "../shown-path.ts";
import { typesText } from "../types-text.ts";
import { untypedColumns, withTypes } from "../with-types.ts";
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
  const json = table.plan.steps.some(({ op }) => op === "read_json_lines");
  const known = json && save !== undefined && rows !== undefined ? await asRead(table, types, signal) : types;
  let saved: string | undefined;
  if (typeof save === "string") {
    const plan = { ...table.plan, steps: withTypes(table.plan.steps, known) };
    await workspace.saveMLTable(workspace.tabular.fromPlan(plan), save, { signal });
    saved = save;
  } else if (save === true) {
    if (detected.kind !== "mltable") throw noMLTable(source);
    saved = source.replace(/(^|\/)MLTable$/, "$1") || ".";
    await workspace.editMLTable(
      saved,
      ({ transformations }) => ({ transformations: withTypes(transformations, known) }),
      { signal },
    );
  }
  const untyped = untypedColumns(known);
  await session.print(
    { source: detected.kind, ...types, ...(saved !== undefined && { saved, untyped }) },
    () => {
      const shown = (uri: string): string => shownPath(uri, source, session.terminal.cwd);
      const text = typesText(types, { ...tableStyle(session, false), json, shown });
      return saved === undefined ? text : text + savedText(saved, untyped);
    },
  );
}

/** Without columns that reading does not find: a table that takes few rows may have fewer than were looked at. */
async function asRead(
  table: TabularDataset,
  types: InferredTypes,
  signal: AbortSignal,
): Promise<InferredTypes> {
  const names = new Set((await table.inferTypes({ signal })).columns.map(({ name }) => name));
  return { ...types, columns: types.columns.filter(({ name }) => names.has(name)) };
}

function savedText(folder: string, untyped: readonly string[]): string {
  const names = untyped.map((name) => (name === "" ? '""' : name)).join(", ");
  const but = names === "" ? "" : `, but for ${names}: there is no way to say their types there`;
  return `${oneLine(`Written into the MLTable file of ${folder}${but}`)}.\n`;
}

function noMLTable(source: string): AmlError {
  return new AmlError("config_invalid", `${source} has no MLTable file that types could be written into.`, {
    hint: "Name the folder of a new one: --save FOLDER.",
    context: { source },
  });
}

import { AmlError } from "@aml/core";
import type { ConversionLoss } from "@aml/mltable";
import { statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { readTextFile } from "../datastore-flags.ts";
import { oneLine } from "../print-table.ts";
import type { Session } from "../session.ts";

export interface ConvertFlags {
  readonly strict?: boolean | undefined;
}

/** `aml mltable convert`: the other form goes to stdout, what got lost to stderr. */
export async function convertMLTable(
  session: Session,
  { strict }: ConvertFlags,
  source: string,
): Promise<void> {
  const { formatMLTable, fromV1Definition, parseMLTable, toV1Definition } = await import("@aml/mltable");
  const path = resolve(session.terminal.cwd, source);
  const file =
    statSync(path, { throwIfNoEntry: false })?.isDirectory() === true ? join(path, "MLTable") : path;
  const text = await readTextFile(file);
  const isDefinition = basename(file) !== "MLTable";
  const converted = isDefinition ? fromV1Definition(text) : toV1Definition(parseMLTable(text, { uri: file }));
  const output = "table" in converted ? formatMLTable(converted.table) : converted.definition;
  const { lost } = converted;
  for (const each of lost) session.note(noteOf(each));
  const grave = lost.find(({ changes }) => changes !== "nothing");
  if (strict === true && grave !== undefined) {
    throw new AmlError(
      "unsupported",
      `${oneLine(source)} has no full counterpart: ${grave.path}: ${grave.message}`,
      {
        hint: "Leave --strict away to convert the rest, or change this step first.",
        context: { lost },
      },
    );
  }
  await session.print({ form: isDefinition ? "mltable" : "v1", text: output, lost }, () => output);
}

function noteOf({ path, message, changes }: ConversionLoss): string {
  return `${changes === "nothing" ? "note" : `lost (${changes})`}: ${oneLine(path)}: ${oneLine(message)}`;
}

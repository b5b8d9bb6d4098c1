import type { AmlError } from "@aml/core";
import { findCsvFault } from "./find-csv-fault.ts";
import { findJsonLine } from "./find-json-line.ts";
import { findDamagedParquet } from "./inspect-parquet.ts";
import type { Inspected } from "./inspected.ts";
import { GapFilled, isGap, type PartialFiles } from "./partial-files.ts";
import type { Scope } from "./scope.ts";
import type { Locate } from "./stream-chunks.ts";

/** What finds the file that an error is about; or fills the gap in a file that it comes from, and throws `GapFilled`. */
export function createLocate(inspected: Inspected, parts: PartialFiles | undefined, scope: Scope): Locate {
  return async (error, signal) => {
    if (inspected.kind === "delimited") await findCsvFault(inspected, error, scope.origins(), signal);
    if (inspected.kind === "json_lines") await findJsonLine(inspected, error, scope.origins(), signal);
    if (inspected.kind !== "parquet" && inspected.kind !== "delta") return;
    if (!isDamage(error)) return;
    if ((await parts?.complete(signal)) === true && isGap(error)) throw new GapFilled();
    const { groups } = inspected;
    const columnsOf = parts?.columnsOf ?? (({ types }) => [...types.keys()]);
    const repair = async (path: string): Promise<boolean> =>
      (await parts?.completeFile(path, signal)) ?? false;
    if (await findDamagedParquet({ groups, columnsOf, scope, signal, repair })) throw new GapFilled();
    if (isGap(error) && (await parts?.completeFile(undefined, signal)) === true) throw new GapFilled();
  };
}

/** Of a file, and not of a value in it. What DuckDB has no kind for may come from a damaged page, as it does not say. */
function isDamage({ code, context, cause }: AmlError): boolean {
  if (code === "query_failed") return cause instanceof Error && cause.message.startsWith("Invalid Error: ");
  return code === "parse_failed" && !("column" in context);
}

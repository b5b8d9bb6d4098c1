import { AmlError } from "@aml/core";
import type { Scope } from "../scope.ts";
import { quoteText } from "../sql-text.ts";
import type { AddFile } from "./delta-actions.ts";

/** A column that is not nested. */
export interface LeafColumn {
  readonly name: string;
  readonly physicalName: string;
  readonly sqlType: string;
}

/** A partition column as an expression over the number of a file. The log has values as text, `''` for null. */
export function partitionList(column: LeafColumn, files: readonly AddFile[], number: string): string {
  const texts = files.map(({ partitionValues }) => {
    const text = partitionValues[column.physicalName];
    return text === undefined || text === null || text === "" ? "NULL" : quoteText(text);
  });
  const text = `([${texts.join(", ")}]::VARCHAR[])[${number}::BIGINT + 1]`;
  return column.sqlType === "BLOB" ? `encode(${text})` : `CAST(${text} AS ${column.sqlType})`;
}

/** @throws `parse_failed` for a value that is missing, or none of its column's type. */
export async function checkPartitions(
  columns: readonly LeafColumn[],
  files: readonly AddFile[],
  uri: string,
  scope: Scope,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const { name, physicalName, sqlType } of columns) {
    const values = new Set<string>();
    for (const { partitionValues, path } of files) {
      if (!Object.hasOwn(partitionValues, physicalName)) throw refuse(uri, name, `${path} has none`);
      values.add(partitionValues[physicalName] ?? "");
    }
    values.delete("");
    if (values.size === 0 || sqlType === "VARCHAR" || sqlType === "BLOB") continue;
    const list = [...values].map(quoteText).join(", ");
    const result = await scope.run(
      `SELECT v FROM (SELECT unnest([${list}]) AS v) WHERE try_cast(v AS ${sqlType}) IS NULL LIMIT 1`,
      signal,
    );
    const [bad] = await result.getRows();
    if (bad !== undefined) throw refuse(uri, name, `${JSON.stringify(bad[0])} is no ${sqlType}`);
  }
}

function refuse(uri: string, column: string, what: string): AmlError {
  return new AmlError(
    "parse_failed",
    `Partition values of column ${column} of the Delta table ${uri}: ${what}.`,
    {
      hint: "The log is damaged; restore it.",
      context: { uri, column },
    },
  );
}

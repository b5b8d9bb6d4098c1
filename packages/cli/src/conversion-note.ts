import type { ConversionErrors } from "@aml/core";
import { oneLine } from "./print-table.ts";

/** One line about the values of a column that became null. */
export function conversionNote(
  { column, count, first }: ConversionErrors,
  shown: (uri: string) => string,
): string {
  const [place] = first;
  const where =
    place && `, e.g. ${JSON.stringify(place.value.slice(0, 60))} in ${shown(place.uri)}, row ${place.row}`;
  const values = count === 1 ? "1 value" : `${count.toLocaleString("en")} values`;
  return oneLine(
    `${values} of column ${column} cannot be converted and ${count === 1 ? "is" : "are"} null${where ?? ""}.`,
  );
}

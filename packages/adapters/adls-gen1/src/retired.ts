import process from "node:process";
import type { StoreWarning } from "@aml/core/adapter";
import { gen2Uri, type AdlsGen1Options } from "./options.ts";

/** https://learn.microsoft.com/azure/data-lake-store/data-lake-store-overview, read 2026-11 */
const RETIRED = "Azure Data Lake Storage Gen1 was retired on 29 February 2024.";

/** The hint of errors behind which the retirement may stand. */
export function retiredHint(options: AdlsGen1Options, path: string): string {
  return `${RETIRED} If the data was migrated, read it as ${gen2Uri(options, path)}.`;
}

/** Says once that the service is no more. */
export function warnOnce(
  options: AdlsGen1Options,
  onWarning: ((warning: StoreWarning) => void) | undefined,
): () => void {
  let said = false;
  return () => {
    if (said) return;
    said = true;
    const warning: StoreWarning = {
      code: "store_retired",
      message: `The store '${options.storeName}' is on a service that is no more: ${RETIRED}`,
      hint: `Use its Data Lake Storage Gen2 account: ${gen2Uri(options, "PATH")}.`,
    };
    if (onWarning !== undefined) onWarning(warning);
    else
      process.emitWarning(`${warning.message} ${warning.hint}`, {
        type: "DeprecationWarning",
        code: "AML_STORE_RETIRED",
      });
  };
}

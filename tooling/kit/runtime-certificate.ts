import { readFileSync } from "node:fs";
import process from "node:process";

/** A certificate and its key, as PEM text. */
export interface RuntimeCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

/**
 * What this process was started to trust: the runtime matrix makes one for all, since Deno cannot add one to a process
 * that runs. `undefined` elsewhere.
 */
export function runtimeCertificate(): RuntimeCertificate | undefined {
  const file = process.env["AML_TEST_CERTIFICATE"];
  return file === undefined ? undefined : (JSON.parse(readFileSync(file, "utf8")) as RuntimeCertificate);
}

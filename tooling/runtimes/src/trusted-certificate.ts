import { createCertificate } from "@aml/emulator";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** Makes a certificate that every job trusts from its start, for servers on https. @returns what says so to each runtime. */
export async function trustedCertificate(): Promise<Readonly<Record<string, string>>> {
  const folder = mkdtempSync(join(tmpdir(), "aml-certificate-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const made = await createCertificate("runtimes");
  const pem = join(folder, "certificate.pem");
  const both = join(folder, "certificate.json");
  writeFileSync(pem, made.certificate);
  writeFileSync(both, JSON.stringify(made), { mode: 0o600 });
  return { NODE_EXTRA_CA_CERTS: pem, DENO_CERT: pem, AML_TEST_CERTIFICATE: both };
}

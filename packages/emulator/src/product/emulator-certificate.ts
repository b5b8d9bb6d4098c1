import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import { createCertificate, type LocalCertificate } from "../certificate.ts";

const DAY_MS = 86_400_000;

/** The certificate that a folder keeps, so that clients need to be told of it once; a new one where it runs out. */
export async function keptCertificate(folder: string): Promise<LocalCertificate> {
  const files = { certificate: join(folder, "certificate.pem"), privateKey: join(folder, "private-key.pem") };
  try {
    const certificate = await readFile(files.certificate, "utf8");
    const privateKey = await readFile(files.privateKey, "utf8");
    if (Date.parse(new X509Certificate(certificate).validTo) > Date.now() + DAY_MS) {
      return { certificate, privateKey };
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const made = await createCertificate("localhost", { notAfter: new Date(Date.now() + 365 * DAY_MS) });
  await mkdir(folder, { recursive: true });
  await writeFile(files.privateKey, made.privateKey, { mode: 0o600 });
  await chmod(files.privateKey, 0o600);
  await writeFile(files.certificate, made.certificate);
  return made;
}

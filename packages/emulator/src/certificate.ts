import { randomUUID } from "node:crypto";
import tls from "node:tls";

/** A self-signed certificate for `localhost` and `127.0.0.1`, as PEM text. */
export interface LocalCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface CertificateOptions {
  /** Instead of `localhost` and `127.0.0.1`. */
  readonly hostNames?: readonly string[] | undefined;
  /** In a day unless given. */
  readonly notAfter?: Date | undefined;
}

/** Makes a certificate that is valid for a day, from five minutes ago; or, for tests, one that is not. */
export async function createCertificate(
  commonName = "localhost",
  { hostNames, notAfter }: CertificateOptions = {},
): Promise<LocalCertificate> {
  // Loading it takes a while.
  const { default: selfsigned } = await import("selfsigned");
  const now = Date.now();
  // Trusted certificates are found by their subject, so each needs one of its own.
  const value = `${commonName} ${randomUUID()}`;
  const pems = await selfsigned.generate([{ name: "commonName", value }], {
    keySize: 2048,
    algorithm: "sha256",
    notBeforeDate: new Date(Math.min(now, notAfter?.getTime() ?? now) - 300_000),
    notAfterDate: notAfter ?? new Date(now + 86_400_000),
    extensions: [
      { name: "basicConstraints", cA: true },
      { name: "keyUsage", digitalSignature: true, keyEncipherment: true, keyCertSign: true },
      { name: "extKeyUsage", serverAuth: true, clientAuth: true },
      {
        name: "subjectAltName",
        altNames: hostNames?.map((name) => ({ type: 2, value: name }) as const) ?? [
          { type: 2, value: "localhost" },
          { type: 7, ip: "127.0.0.1" },
        ],
      },
    ],
  });
  return { certificate: pems.cert, privateKey: pems.private };
}

/**
 * Makes every TLS client of this process trust a certificate, from its next connection on. (`NODE_EXTRA_CA_CERTS`
 * does the same for a process that is yet to start.)
 *
 * @returns takes the trust back.
 * @throws when this runtime cannot change its trusted certificates: Node before 22.19, Deno.
 */
export function trustCertificate(certificate: string): () => void {
  if (typeof tls.setDefaultCACertificates !== "function") {
    throw new Error("Start this runtime with NODE_EXTRA_CA_CERTS set instead: it cannot add a certificate.");
  }
  const before = tls.getCACertificates("default");
  tls.setDefaultCACertificates([...before, certificate]);
  return () => tls.setDefaultCACertificates(before);
}

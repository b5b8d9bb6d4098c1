import type { Endpoint } from "@aml/core";
import { isIP } from "node:net";
import { connect, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import { failed, type Finding, ok, skipped } from "./doctor-types.ts";

const SOON_DAYS = 14;
const DAY_MS = 86_400_000;

/** Shakes hands and looks at the certificate, whether it can be trusted or not. */
export async function shakeHands(endpoint: Endpoint, address: string, signal: AbortSignal): Promise<Finding> {
  const { host, port, tls } = endpoint;
  if (tls === "none") {
    return skipped("The connection is plain text: everybody on the way can read what goes over it.");
  }
  if (tls === "negotiated") return skipped("The database's own protocol asks for TLS: signing in shows it.");
  let socket: TLSSocket;
  try {
    socket = await secure(host, address, port, signal);
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return noHandshake(error as NodeJS.ErrnoException, host, port);
  }
  try {
    return judge(socket, host);
  } finally {
    socket.destroy();
  }
}

function secure(host: string, address: string, port: number, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    // An untrusted certificate is looked at too; nothing is sent over this connection.
    const socket = connect({
      host: address,
      port,
      rejectUnauthorized: false,
      ...(isIP(host) === 0 && { servername: host }),
    });
    const stop = (): void => void socket.destroy(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
    socket.once("secureConnect", () => {
      signal.removeEventListener("abort", stop);
      resolve(socket);
    });
    socket.on("error", (error) => {
      signal.removeEventListener("abort", stop);
      reject(error);
    });
  });
}

function noHandshake({ code = "", message }: NodeJS.ErrnoException, host: string, port: number): Finding {
  const plain = /WRONG_VERSION_NUMBER|PACKET_LENGTH|EPROTO|UNEXPECTED_MESSAGE|HTTP_REQUEST/.test(
    `${code} ${message}`,
  );
  return failed(
    "unavailable",
    plain
      ? `What listens at ${host}:${port} does not speak TLS.`
      : `${host}:${port} broke the TLS handshake off (${code || message}).`,
    plain
      ? "Check the port and the endpoint: an emulator is often http, not https."
      : "A firewall that inspects connections may cut it, or the server allows other TLS versions only.",
    { errno: code },
  );
}

function judge(socket: TLSSocket, host: string): Finding {
  const certificate = socket.getPeerCertificate(true);
  const until = new Date(certificate.valid_to);
  const from = new Date(certificate.valid_from);
  const days = Math.floor((until.getTime() - Date.now()) / DAY_MS);
  const facts = {
    protocol: socket.getProtocol(),
    subject: commonName(certificate.subject),
    issuer: commonName(certificate.issuer),
    names: certificate.subjectaltname,
    validFrom: from.toISOString(),
    validTo: until.toISOString(),
    daysLeft: days,
    chain: chainOf(certificate),
  };
  const reason = String(socket.authorizationError ?? "");
  if (until.getTime() < Date.now()) {
    return failed(
      "unavailable",
      `The certificate of ${host} expired on ${day(until)}.`,
      "Renew it on the server; if the server is fine, check this machine's clock.",
      facts,
    );
  }
  if (from.getTime() > Date.now()) {
    return failed(
      "unavailable",
      `The certificate of ${host} is not valid before ${day(from)}.`,
      "Check this machine's clock.",
      facts,
    );
  }
  if (reason.includes("ALTNAME")) {
    return failed(
      "unavailable",
      `The certificate is for ${certificate.subjectaltname ?? facts.subject}, not for ${host}.`,
      "Use a host name that the certificate has; a private endpoint is used by its public name, not by its address.",
      facts,
    );
  }
  if (!socket.authorized) {
    const self = reason.includes("SELF_SIGNED");
    return failed(
      "unavailable",
      `The certificate of ${host} is not trusted: ${self ? "it, or a root above it, is signed by itself" : `its issuer ${facts.issuer} is not known`} (${reason}).`,
      "Add the issuer's certificate with NODE_EXTRA_CA_CERTS; an issuer that is not the service's own is a proxy that opens connections.",
      { ...facts, reason },
    );
  }
  const message = `${facts.protocol}; the certificate of ${facts.issuer} is good until ${day(until)}.`;
  return ok(message, facts, days < SOON_DAYS ? `It expires in ${days} days: renew it.` : undefined);
}

function chainOf(certificate: DetailedPeerCertificate): readonly string[] {
  const chain: string[] = [];
  const seen = new Set<string>();
  // The root is its own issuer.
  for (let at = certificate; at && !seen.has(at.fingerprint256); at = at.issuerCertificate) {
    seen.add(at.fingerprint256);
    chain.push(commonName(at.subject));
  }
  return chain;
}

function commonName(
  name: { readonly CN?: string | string[]; readonly O?: string | string[] } | undefined,
): string {
  return [name?.CN ?? name?.O ?? "(no name)"].flat().join(", ");
}

function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

import type { Endpoint } from "@aml/core";
import { lookup } from "node:dns/promises";
import { type ClientRequest, request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { BlockList, connect, isIP } from "node:net";
import process from "node:process";
import { failed, type Finding, ok, skipped } from "./doctor-types.ts";

/** Clocks that are further apart get requests refused. https://learn.microsoft.com/rest/api/storageservices/authorize-with-shared-key, read 2026-11 */
const MOST_SKEW_MS = 15 * 60_000;
const NOTABLE_SKEW_MS = 60_000;

const PRIVATE = new BlockList();
for (const [net, bits] of [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["100.64.0.0", 10],
  ["169.254.0.0", 16],
] as const) {
  PRIVATE.addSubnet(net, bits, "ipv4");
}
PRIVATE.addSubnet("fc00::", 7, "ipv6");
PRIVATE.addSubnet("fe80::", 10, "ipv6");
const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** Asks the system as a store's client does. */
export async function resolveName({ host }: Endpoint): Promise<{ finding: Finding; addresses: string[] }> {
  if (isIP(host) !== 0) {
    return { finding: skipped(`${host} is an address itself (${kindOf(host)}).`), addresses: [host] };
  }
  try {
    const found = await lookup(host, { all: true });
    const addresses = found.map(({ address }) => address);
    const kinds = [...new Set(addresses.map(kindOf))];
    const message = `${host} is ${addresses.slice(0, 3).join(", ")}${addresses.length > 3 ? " …" : ""} (${kinds.join(" and ")}).`;
    return { finding: ok(message, { host, addresses, network: kinds }), addresses };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "";
    const missing = code === "ENOTFOUND" || code === "ENODATA";
    const finding = failed(
      "unavailable",
      missing ? `There is no host ${host}.` : `The name ${host} could not be resolved (${code}).`,
      missing
        ? "Check the spelling of the account and the endpoint; a store behind a private endpoint needs its private DNS zone."
        : "Check this machine's name servers and its network.",
      { host, errno: code },
    );
    return { finding, addresses: [] };
  }
}

function kindOf(address: string): "public" | "private" | "loopback" {
  const family = isIP(address) === 6 ? "ipv6" : "ipv4";
  if (LOOPBACK.check(address, family)) return "loopback";
  return PRIVATE.check(address, family) ? "private" : "public";
}

/** Connects to whichever address answers first. */
export async function connectTcp(
  { port }: Endpoint,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly finding: Finding; readonly address?: string }> {
  const won = new AbortController();
  const stop = AbortSignal.any([signal, won.signal]);
  const proxy = proxyVariables();
  const facts = { port, addresses, ...(proxy.length > 0 && { proxyVariables: proxy }) };
  try {
    const address = await Promise.any(addresses.map((one) => open(one, port, stop)));
    return { finding: ok(`${shown(address, port)} takes connections.`, { ...facts, address }), address };
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const codes = ((error as AggregateError).errors as NodeJS.ErrnoException[]).map(({ code }) => code ?? "");
    const refused = codes.includes("ECONNREFUSED");
    const through =
      proxy.length > 0 ? ` ${proxy.join(", ")} is set: clients may go through that proxy instead.` : "";
    const finding = failed(
      "unavailable",
      refused
        ? `Nothing listens at ${addresses.map((one) => shown(one, port)).join(", ")}.`
        : `No connection to ${addresses.map((one) => shown(one, port)).join(", ")} is possible (${codes.join(", ")}).`,
      (refused
        ? "Check the host and the port; a firewall may also refuse in the server's name."
        : "Check this machine's network and routes.") + through,
      { ...facts, errno: codes },
    );
    return { finding };
  } finally {
    won.abort();
  }
}

function open(address: string, port: number, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port });
    const stop = (): void => void socket.destroy(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
    const settle = (): void => signal.removeEventListener("abort", stop);
    socket.once("connect", () => {
      settle();
      socket.destroy();
      resolve(address);
    });
    socket.on("error", (error) => {
      settle();
      reject(error);
    });
  });
}

function shown(address: string, port: number): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Their names only: a proxy's address may hold a password. */
function proxyVariables(): readonly string[] {
  return ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"].filter(
    (name) => (process.env[name] ?? "") !== "",
  );
}

/** Compares the `Date` of whatever the service answers with this machine's clock. */
export async function compareClocks(
  { url }: Endpoint,
  signal: AbortSignal,
  now: () => number = Date.now,
): Promise<Finding> {
  if (url === undefined) return skipped("The service's protocol tells no time.");
  const before = now();
  const date = await dateOf(url, signal);
  const here = (before + now()) / 2;
  if (date === undefined) return skipped("The service tells no time.");
  // The header counts whole seconds.
  const skewMs = here - (date + 500);
  const facts = { serverTime: new Date(date).toISOString(), skewSeconds: Math.round(skewMs / 1000) };
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const where = skewMs > 0 ? "ahead of" : "behind";
  if (Math.abs(skewMs) > MOST_SKEW_MS) {
    return failed(
      "auth_failed",
      `This machine's clock is ${seconds} s ${where} the service's.`,
      "Set the clock (NTP): requests and tokens from more than 15 minutes away are refused.",
      facts,
    );
  }
  if (Math.abs(skewMs) > NOTABLE_SKEW_MS) {
    return ok(
      `This machine's clock is ${seconds} s ${where} the service's.`,
      facts,
      "Set the clock (NTP) before it is 15 minutes off.",
    );
  }
  return ok(seconds <= 1 ? "The clocks agree." : `The clocks agree within ${seconds} s.`, facts);
}

function dateOf(url: string, signal: AbortSignal): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const send = url.startsWith("https:") ? httpsRequest : httpRequest;
    const request: ClientRequest = send(url, { method: "GET", agent: false, signal }, (response) => {
      response.destroy();
      const date = Date.parse(response.headers.date ?? "");
      resolve(Number.isNaN(date) ? undefined : date);
    });
    // What does not answer plain requests may still answer its own clients.
    request.on("error", () => (signal.aborted ? reject(signal.reason as Error) : resolve(undefined)));
    request.end();
  });
}

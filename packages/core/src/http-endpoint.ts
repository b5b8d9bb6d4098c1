import type { Endpoint } from "./adapter-definition.ts";

/** The endpoint behind an http(s) address. */
export function httpEndpoint(address: string): Endpoint {
  const { protocol, hostname, port, origin } = new URL(address);
  const secure = protocol === "https:";
  // A literal IPv6 address is in brackets in a URL only.
  const host = hostname.replace(/^\[|\]$/g, "");
  return {
    host,
    port: Number(port) || (secure ? 443 : 80),
    tls: secure ? "direct" : "none",
    url: `${origin}/`,
  };
}

// Run by latency-proxy.ts: passes requests on to a server, each after a while, and counts them and the bytes of answers.
import { Agent, createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import type { ProxyAsk, ProxyTold } from "./latency-proxy.ts";

const target = new URL(process.argv[2] ?? "");
const agent = new Agent({ keepAlive: true, maxSockets: 256 });
let delayMs = 0;
let requests = 0;
let bytes = 0;

const server = createServer((asked, answer) => {
  requests += 1;
  const pass = (): void => {
    const { method, url, headers } = asked;
    const { hostname: host, port } = target;
    const sent = request({ host, port, method, path: url, headers, agent }, (got) => {
      answer.writeHead(got.statusCode ?? 502, got.headers);
      got.on("data", (chunk: Buffer) => (bytes += chunk.length));
      got.pipe(answer);
    });
    sent.once("error", (error: NodeJS.ErrnoException) => {
      // The server closed a connection that was idle just when it was used again: nothing was answered, or changed.
      if (sent.reusedSocket && error.code === "ECONNRESET" && method === "GET" && !answer.headersSent) pass();
      else answer.destroy();
    });
    answer.once("close", () => sent.destroy());
    asked.pipe(sent);
  };
  if (delayMs === 0) pass();
  else setTimeout(pass, delayMs);
});
// Longer than a round of a peer that needs fewer connections.
server.keepAliveTimeout = 60_000;
const tell = (told: ProxyTold): void => void process.send?.(told);
server.listen(0, "127.0.0.1", () => tell({ port: (server.address() as AddressInfo).port }));
process.on("message", (ask: ProxyAsk) => {
  delayMs = ask.delayMs;
  tell({ requests, bytes });
  requests = bytes = 0;
});
process.on("disconnect", () => process.exit());

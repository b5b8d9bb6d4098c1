import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FileServer {
  readonly origin: string;
  /** By decoded path, without a leading slash. */
  readonly files: Map<string, Uint8Array>;
  /** Method, URL and range of each request so far. */
  readonly requests: string[];
  readonly openStreams: () => number;
  readonly close: () => Promise<void>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => boolean | void;

/**
 * A real web server over a map of files: ranges, strong etags, `If-Match`, HEAD.
 *
 * @param first - answers what it wants to answer differently, and then returns true.
 */
export async function startFileServer(first: Handler = () => false): Promise<FileServer> {
  const files = new Map<string, Uint8Array>();
  const requests: string[] = [];
  let sending = 0;
  const server = createServer((request, response) => {
    requests.push([request.method, request.url, request.headers.range].filter(Boolean).join(" "));
    sending += 1;
    response.once("close", () => (sending -= 1));
    if (first(request, response) === true) return;
    serve(files, request, response);
  });
  server.keepAliveTimeout = 600_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    files,
    requests,
    openStreams: () => sending,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export function serve(
  files: Map<string, Uint8Array>,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const path = (request.url ?? "")
    .replace(/\?.*$/s, "")
    .slice(1)
    .split("/")
    .map(decodeURIComponent)
    .join("/");
  const file = files.get(path);
  if (file === undefined) return void response.writeHead(404).end();
  const etag = `"${path.length}-${file.byteLength}-${file[0] ?? 0}"`;
  const common = { etag, "accept-ranges": "bytes", "last-modified": "Fri, 20 Nov 2026 08:00:00 GMT" };
  const { range, "if-match": ifMatch } = request.headers;
  if (ifMatch !== undefined && ifMatch !== etag) return void response.writeHead(412).end();
  const body = request.method === "HEAD" ? undefined : file;
  const match = /^bytes=(\d+)-(\d*)$/.exec(range ?? "");
  if (match === null) {
    return void response.writeHead(200, { ...common, "content-length": file.byteLength }).end(body);
  }
  const start = Number(match[1]);
  const end = Math.min(file.byteLength - 1, match[2] === "" ? Infinity : Number(match[2]));
  if (start >= file.byteLength) {
    return void response.writeHead(416, { "content-range": `bytes */${file.byteLength}` }).end();
  }
  const headers = {
    "content-range": `bytes ${start}-${end}/${file.byteLength}`,
    "content-length": end - start + 1,
  };
  response.writeHead(206, { ...common, ...headers }).end(body?.subarray(start, end + 1));
}

import { createServer as createHttpServer, type Server } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { createCertificate, type LocalCertificate } from "./certificate.ts";
import type { Service } from "./service.ts";
import { writingResponses } from "./write-response.ts";

export interface ServeOptions {
  /** A free one unless given. */
  readonly port?: number | undefined;
  /** `true` for a fresh self-signed certificate of `localhost` and `127.0.0.1`. */
  readonly https?: boolean | LocalCertificate | undefined;
}

export interface RunningServer extends AsyncDisposable {
  readonly port: number;
  /** `http://127.0.0.1:PORT`, or `https://localhost:PORT`. */
  readonly url: string;
  /** What a client must trust, with https; see `trustCertificate`. */
  readonly certificatePem: string | undefined;
  /** Ends open connections as well. */
  close(): Promise<void>;
}

/** Serves an emulated service on the loopback interface. The server does not keep its process alive. */
export async function serve(service: Service, options: ServeOptions = {}): Promise<RunningServer> {
  const certificate = options.https === true ? await createCertificate() : options.https || undefined;
  const { createAdaptorServer } = await import("@hono/node-server");
  const server = createAdaptorServer({
    fetch: writingResponses(service),
    overrideGlobalObjects: false,
    ...(certificate
      ? {
          createServer: createHttpsServer,
          serverOptions: { cert: certificate.certificate, key: certificate.privateKey },
        }
      : { createServer: createHttpServer }),
  }) as Server;
  // Azure keeps idle connections for minutes. Node's own five seconds break requests on connections that just go.
  server.keepAliveTimeout = 600_000;
  // Nor do connections keep the process alive, which are there as long.
  for (const event of ["connection", "secureConnection"])
    server.on(event, (socket: Socket) => socket.unref());
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  server.unref();
  const { port } = server.address() as AddressInfo;
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    port,
    url: certificate ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    certificatePem: certificate?.certificate,
    close,
    [Symbol.asyncDispose]: close,
  };
}

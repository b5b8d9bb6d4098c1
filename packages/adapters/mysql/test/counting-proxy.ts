import { connect, createServer, type AddressInfo, type Socket } from "node:net";

/** A door to a server that counts the bytes which come out of it. */
export interface CountingProxy {
  readonly port: number;
  readonly received: () => number;
  close(): Promise<void>;
}

export async function startCountingProxy(target: number): Promise<CountingProxy> {
  // What waits in this process or before it has not reached anybody.
  const inward = new Set<Socket>();
  const sockets = new Set<Socket>();
  const proxy = createServer((inside) => {
    const outside = connect(target, "127.0.0.1");
    for (const [one, other] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => (sockets.delete(one), other.destroy()));
    }
    inward.add(inside);
    inside.pipe(outside).pipe(inside);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  proxy.unref();
  return {
    port: (proxy.address() as AddressInfo).port,
    received: () =>
      [...inward].reduce((sum, { bytesWritten, writableLength }) => sum + bytesWritten - writableLength, 0),
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        proxy.close(() => resolve());
      }),
  };
}

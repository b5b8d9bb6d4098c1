import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

export interface Traffic {
  readonly requests: number;
  /** Of the answers' bodies. */
  readonly bytes: number;
}

export interface ProxyAsk {
  readonly delayMs: number;
}

export type ProxyTold = { readonly port: number } | Traffic;

/** A server in front of another one that answers later, as one far away does. */
export interface LatencyProxy {
  readonly origin: string;
  /** From now on each request waits so long. Tells the traffic since the last call. */
  delay(delayMs: number): Promise<Traffic>;
  close(): void;
}

/** Starts it, in a process of its own. */
export async function startLatencyProxy(target: string): Promise<LatencyProxy> {
  const child = fork(fileURLToPath(new URL("latency-proxy-child.ts", import.meta.url)), [target], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const told = async (): Promise<ProxyTold> => {
    const [message] = (await once(child, "message")) as [ProxyTold];
    return message;
  };
  const started = await told();
  if (!("port" in started)) throw new Error("The proxy did not start.");
  return {
    origin: `http://127.0.0.1:${started.port}`,
    async delay(delayMs) {
      const answer = told();
      child.send({ delayMs } satisfies ProxyAsk);
      return (await answer) as Traffic;
    },
    close: () => child.disconnect(),
  };
}

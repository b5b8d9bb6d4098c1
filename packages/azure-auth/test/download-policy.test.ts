import { once } from "node:events";
import { createHash, randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, request as send, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { freeChunk } from "@aml/core/adapter";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { downloadPolicy } from "../src/transfer/index.ts";

const MIB = 2 ** 20;
const PIECE = randomBytes(64 * 1024);
const PIECES = 2048;

let server: Server;
let url: string;
const sockets = new Set<unknown>();

beforeAll(async () => {
  server = createServer(({ socket, url: path }, response) => {
    sockets.add(socket);
    if (path === "/missing") return void response.writeHead(404).end("There is no such file.");
    let left = PIECES;
    const more = (): void => {
      for (; left > 0; left -= 1) {
        if (response.write(PIECE)) continue;
        left -= 1;
        response.once("drain", more);
        return;
      }
      response.end();
    };
    more();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const transport = {
  sendRequest: (options: {
    readonly url: string;
    agent?: unknown;
  }): Promise<{ readonly status: number | undefined; readonly readableStreamBody: IncomingMessage }> =>
    new Promise((resolve, reject) => {
      send(options.url, { agent: options.agent as never }, (response) =>
        resolve({ status: response.statusCode, readableStreamBody: response }),
      )
        .once("error", reject)
        .end();
    }),
};

async function digest(
  { readableStreamBody: response }: { readonly readableStreamBody: IncomingMessage },
  each: (chunk: Uint8Array) => void,
): Promise<string> {
  const hash = createHash("sha256");
  response.on("data", (chunk: Uint8Array) => {
    hash.update(chunk);
    each(chunk);
  });
  await once(response, "end");
  return hash.digest("hex");
}

describe("sockets that free what was parsed", () => {
  const expected = createHash("sha256");
  for (let index = 0; index < PIECES; index += 1) expected.update(PIECE);
  const whole = expected.digest("hex");

  test("a body of 128 MiB arrives byte for byte, and its reader can keep memory at a fraction of it", async () => {
    const policy = downloadPolicy.create(transport);
    const before = process.memoryUsage().external;
    let most = 0;
    const response = await policy.sendRequest({ url });
    const found = await digest(response, (chunk) => {
      most = Math.max(most, process.memoryUsage().external - before);
      freeChunk(chunk);
    });
    expect(found).toBe(whole);
    expect(most).toBeLessThan(16 * MIB);
  });

  test("connections are kept for the next request, and chunks that are kept stay as they are", async () => {
    const policy = downloadPolicy.create(transport);
    const seen = sockets.size;
    const kept: Uint8Array[] = [];
    await digest(await policy.sendRequest({ url }), (chunk) => kept.push(chunk));
    const hash = createHash("sha256");
    for (const chunk of kept) hash.update(chunk);
    expect(hash.digest("hex")).toBe(whole);
    expect(sockets.size).toBe(seen);
  });

  test("an error's body is read off, so that its connection is free for the next request", async () => {
    const policy = downloadPolicy.create(transport);
    const seen = sockets.size;
    for (let count = 0; count < 3; count += 1) {
      const { status, readableStreamBody } = await policy.sendRequest({ url: `${url}missing` });
      expect(status).toBe(404);
      if (!readableStreamBody.closed) await once(readableStreamBody, "close");
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sockets.size).toBe(seen);
  });

  test("a request that has an agent, e.g. that of a proxy, keeps it", async () => {
    const request = { url, agent: false as unknown };
    const response = await downloadPolicy.create(transport).sendRequest(request);
    response.readableStreamBody.destroy();
    expect(request.agent).toBe(false);
  });

  test("an error of a body that nobody reads any more is heard", async () => {
    const { readableStreamBody } = await downloadPolicy.create(transport).sendRequest({ url });
    expect(readableStreamBody.listenerCount("error")).toBe(1);
    readableStreamBody.destroy(new Error("gone"));
    await new Promise((closed) => readableStreamBody.once("close", closed));
  });
});

test("only a chunk that is all of its buffer is freed", () => {
  const buffer = new ArrayBuffer(8);
  const part = new Uint8Array(buffer, 0, 4);
  freeChunk(part);
  expect(part.byteLength).toBe(4);
  const all = new Uint8Array(buffer);
  freeChunk(all);
  expect(all.byteLength).toBe(0);
});

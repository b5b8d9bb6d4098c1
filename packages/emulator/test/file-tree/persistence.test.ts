import { createAdlsGen1, createDbfs, type TokenVerifier } from "@aml/emulator";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "aml-kept-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const headers = { authorization: "Bearer t" };
const anyone: TokenVerifier = async () => ({ ok: true, claims: { aud: "", oid: "o", tid: "t", exp: 0 } });

test("a workspace is found again as it was left, without what was half uploaded", async () => {
  const folder = await temporary();
  const file = "http://x/api/2.0/fs/files/Volumes/main/default/data/a";
  {
    using dbfs = createDbfs({ tokens: ["t"], folder });
    await dbfs.service(new Request(file, { method: "PUT", headers, body: "kept" }));
    let started = (): void => undefined;
    const begun = new Promise<void>((resolve) => (started = resolve));
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(Buffer.from("half"));
        started();
        return new Promise(() => undefined);
      },
    });
    const init = { method: "PUT", headers, body, duplex: "half" } as RequestInit;
    void dbfs.service(new Request(file, init));
    await begun;
  }
  using dbfs = createDbfs({ tokens: ["t"], folder });
  expect(await (await dbfs.service(new Request(file, { headers }))).text()).toBe("kept");
});

test("a Gen1 store is found again, with its access lists", async () => {
  const folder = await temporary();
  const at = (query: string): string => `http://x/webhdfs/v1/a?${query}`;
  {
    using store = createAdlsGen1({ verify: anyone, folder });
    await store.service(new Request(at("op=CREATE&write=true"), { method: "PUT", headers, body: "kept" }));
    await store.service(new Request(at("op=SETACL&aclSpec=user:u1:r--"), { method: "PUT", headers }));
  }
  using store = createAdlsGen1({ verify: anyone, folder });
  expect(await (await store.service(new Request(at("op=OPEN"), { headers }))).text()).toBe("kept");
  const acl = await store.service(new Request(at("op=MSGETACLSTATUS"), { headers }));
  expect(await acl.json()).toMatchObject({ AclStatus: { entries: ["user:u1:r--"] } });
});

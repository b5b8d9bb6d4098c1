import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { azurePythons } from "@aml/kit/azure-pythons";
import { expect, test } from "vitest";
import { createAdlsGen1, serve } from "@aml/emulator";
import { verify } from "./verify.ts";

const pythons = azurePythons("azure/datalake/store/core.py");

// Before 1.0 it took a session, since then a credential. It builds https://STORE.SUFFIX/, so its address is put in afterwards.
const SCRIPT = `
import json, sys, time
from azure.datalake.store import core, lib, multithread
class Token:
    def signed_session(self):
        import requests
        session = requests.Session()
        session.headers["Authorization"] = "Bearer good"
        return session
    def get_token(self, *scopes):
        from azure.core.credentials import AccessToken
        return AccessToken("good", int(time.time()) + 3600)
way = "token_credential" if hasattr(lib.DatalakeRESTInterface, "get_refreshed_bearer_token") else "token"
fs = core.AzureDLFileSystem(store_name="localhost", url_suffix="x", **{way: Token()})
fs.azure.url = sys.argv[1] + "/"
content = bytes(range(256)) * 40000
with fs.open("d/a b%.bin", "wb", blocksize=2**22) as file:
    file.write(content)
out = {"info": {key: fs.info("d/a b%.bin")[key] for key in ("length", "type")}}
with fs.open("d/a b%.bin", "rb") as file:
    file.seek(1000)
    out["middle"] = file.read(5000000) == content[1000:5001000]
with fs.open("d/a b%.bin", "ab") as file:
    file.write(b"end")
out["tail"] = fs.tail("d/a b%.bin", 5)[-3:].decode()
fs.touch("d/empty")
for i in range(5):
    fs.touch("many/%d" % i)
out["batched"] = [entry["pathSuffix"] for entry in fs._ls_batched("many", batch_size=2)]
out["ls"] = fs.ls("d")
fs.mv("d/empty", "d/moved")
fs.concat("joined", ["many/0", "d/a b%.bin"])
out["joined"] = fs.info("joined")["length"]
fs.chmod("joined", "700")
fs.set_acl("joined", "user:11111111-1111-1111-1111-111111111111:r-x")
out["acl"] = fs.get_acl_status("joined")["entries"]
fs.set_expiry("joined", "Absolute", int(time.time() * 1000) + 3600000)
out["expires"] = fs.info("joined")["msExpirationTime"] > 0
try:
    fs.info("no")
except FileNotFoundError:
    out["missing"] = True
fs.rm("many", recursive=True)
out["gone"] = not fs.exists("many")
print(json.dumps(out))
`;

for (const { from, python } of pythons)
  test.skipIf(!python)(
    `Microsoft's own client reads and writes (needs azure-datalake-store of ${from})`,
    async () => {
      using store = createAdlsGen1({ verify });
      await using server = await serve(store.service, { https: true });
      const folder = await mkdtemp(join(tmpdir(), "aml-gen1-"));
      try {
        await writeFile(join(folder, "ca.pem"), server.certificatePem ?? "");
        const run = promisify(execFile)(python ?? "", ["-c", SCRIPT, server.url], {
          env: { REQUESTS_CA_BUNDLE: join(folder, "ca.pem"), NO_PROXY: "*", HOME: folder },
        });
        expect(JSON.parse((await run).stdout)).toEqual({
          info: { length: 10_240_000, type: "FILE" },
          middle: true,
          tail: "end",
          batched: ["0", "1", "2", "3", "4"],
          ls: ["d/a b%.bin", "d/empty"],
          joined: 10_240_003,
          acl: ["user:11111111-1111-1111-1111-111111111111:r-x"],
          expires: true,
          missing: true,
          gone: true,
        });
      } finally {
        await rm(folder, { recursive: true });
      }
    },
  );

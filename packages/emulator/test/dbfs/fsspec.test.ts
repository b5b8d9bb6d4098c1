import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { azurePythons } from "@aml/kit/azure-pythons";
import { expect, test } from "vitest";
import { createDbfs, serve } from "@aml/emulator";

const pythons = azurePythons("fsspec/implementations/dbfs.py");

// It sends the parameters of a GET as JSON in the body. What it reads begins at 0 always, a fault of this version.
const SCRIPT = `
import json, sys
from fsspec.implementations.dbfs import DatabricksFileSystem, DatabricksException
fs = DatabricksFileSystem(instance=sys.argv[1], token="dapi-1", skip_instance_cache=True)
fs.makedirs("/d/e")
with fs.open("/d/a.bin", "wb") as file:
    file.write(bytes(range(256)) * 10000)
out = {"ls": fs.ls("/d", detail=False), "size": fs.info("/d/a.bin")["size"]}
with fs.open("/d/a.bin", "rb") as file:
    out["same"] = file.read(1000000) == (bytes(range(256)) * 10000)[:1000000]
fs.mv("/d/a.bin", "/d/b.bin")
try:
    fs.ls("/d/no")
except FileNotFoundError:
    out["missing"] = True
try:
    fs._send_to_api(method="post", endpoint="delete", json={"path": "/d", "recursive": False})
except DatabricksException as error:
    out["full"] = error.error_code
fs.rm("/d", recursive=True)
fs.invalidate_cache()
out["gone"] = not fs.exists("/d")
print(json.dumps(out))
`;

for (const { from, python } of pythons)
  test.skipIf(!python)(`fsspec reads and writes (needs fsspec of ${from})`, async () => {
    using dbfs = createDbfs({ tokens: ["dapi-1"] });
    await using server = await serve(dbfs.service, { https: true });
    const folder = await mkdtemp(join(tmpdir(), "aml-fsspec-"));
    try {
      await writeFile(join(folder, "ca.pem"), server.certificatePem ?? "");
      const run = promisify(execFile)(python ?? "", ["-c", SCRIPT, `localhost:${server.port}`], {
        env: { REQUESTS_CA_BUNDLE: join(folder, "ca.pem"), NO_PROXY: "*" },
      });
      expect(JSON.parse((await run).stdout)).toEqual({
        ls: ["/d/a.bin", "/d/e"],
        size: 2_560_000,
        same: true,
        missing: true,
        full: "IO_ERROR",
        gone: true,
      });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

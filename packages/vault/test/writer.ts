// Sets COUNT secrets in the vault FILE as writer ID, and prints each one's name once it is acknowledged.
import { writeSync } from "node:fs";
import { Secret } from "@aml/core";
import { openVault } from "@aml/vault";

const [file = "", id = "", count = "", kind = "file"] = process.argv.slice(2);
const vault = openVault({ file, key: { kind: kind === "auto" ? "auto" : "file" } });
for (let i = 0; i < Number(count); i++) {
  const name = `writers/${id}/${i}`;
  await vault.set(name, new Secret(`value of ${name}`.padEnd(500, "x")));
  writeSync(1, `${name}\n`);
}

// Writes to the registry FILE as writer ID, COUNT times, and prints one line for each write once it is acknowledged.
import { writeSync } from "node:fs";
import { openSqliteRegistry } from "@aml/registry-sql";
import { dataset, datastore } from "../../core/test/registry-cases.ts";

const [file = "", id = "", count = ""] = process.argv.slice(2);
const registry = await openSqliteRegistry({ file });
for (let i = 0; i < Number(count); i++) {
  const { name } = await registry.putDatastore(datastore(`w${id}_${i}`));
  writeSync(1, `datastore ${name}\n`);
  const { version, hash } = await registry.registerDataset(
    dataset("shared", `${id}-${i}`, { description: "x".repeat(10_000) }),
  );
  writeSync(1, `dataset ${version} ${hash}\n`);
}
await registry.close();

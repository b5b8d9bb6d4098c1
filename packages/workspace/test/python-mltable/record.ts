// Asks the Python package, and us, what the fixtures hold, and writes that into them:
//   node --conditions=@aml/source packages/workspace/test/python-mltable/record.ts [topic]
// A new fixture is a line of a name and files; where ours differs, add `apart`, the row of docs/compatibility.md.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pythonVenv } from "@aml/kit/python-venv";
import { openWorkspace } from "../../src/index.ts";
import { asked } from "./asked.ts";
import { difference } from "./difference.ts";
import { fixtureTopics, readFixtures, writeFixtures, type Fixture } from "./fixtures.ts";
import { startJudge } from "./judge.ts";
import { readOurs } from "./our-frame.ts";

const python = pythonVenv("mltable");
if (python === undefined) throw new Error("There is no Python with mltable: npm test makes it.");
const home = await mkdtemp(join(tmpdir(), "aml-record-"));
await using workspace = await openWorkspace({ folder: home });
await using judge = startJudge(python);
const only = process.argv[2];
for (const topic of await fixtureTopics()) {
  if (only !== undefined && topic !== only) continue;
  const recorded: Fixture[] = [];
  for (const { name, files, apart } of await readFixtures(topic)) {
    const ours = await asked(home, files, (folder) => readOurs(workspace, folder));
    const theirs = await asked(home, files, (folder) => judge.read(folder));
    const different = difference(theirs, ours);
    if ((different === undefined) !== (apart === undefined))
      console.log(`${topic}: ${name}: ${different ?? "the same as ours, yet apart"}`);
    recorded.push({ name, files, python: theirs, ...(apart === undefined ? {} : { apart, ours }) });
  }
  await writeFixtures(topic, recorded);
}
await rm(home, { recursive: true });

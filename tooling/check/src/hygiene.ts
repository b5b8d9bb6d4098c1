import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { output } from "./commands.ts";

/** Azurite's published development key, which is no secret. */
const AZURITE_KEY =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
const LARGEST_BYTES = 1_000_000;

const PATTERNS: readonly (readonly [what: string, pattern: RegExp])[] = [
  ["a package registry's address", /https?:\/\/(?:registry\.|[\w.-]+\/(?:api\/npm|npm-remote))[\w./-]*/],
  ["a registry setting", /^\s*(?:@[\w-]+:)?registry\s*=/m],
  ["a token for a registry", /:_(?:authToken|auth|password)\s*=/],
  ["a private key", /-----BEGIN (?:\w+ )?PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}/],
  ["a path of somebody's machine", /(?:\/Users|[A-Z]:\\Users)[\\/]\w+/],
  ["a path of somebody's machine", /(?<![\w./-])\/(?:work|root)\/\w+/],
];

/** Looks through every tracked file for what must not be committed. */
export async function checkHygiene(root: string): Promise<readonly string[]> {
  const listed = await output("git", ["ls-files", "-z"], root);
  const files = listed.split("\0").filter(Boolean);
  const problems = files.length < 100 ? [`saw ${files.length} tracked files, there are at least 100`] : [];
  for (const file of files) {
    const path = join(root, file);
    const found = statSync(path, { throwIfNoEntry: false });
    if (!found?.isFile()) continue; // deleted, not committed yet
    if (found.size > LARGEST_BYTES) problems.push(`${file}: ${found.size} bytes`);
    problems.push(...findingsIn(file, readFileSync(path, "utf8"), [root, `${homedir()}/`]));
  }
  return problems;
}

/** What one file's text holds that it must not; `paths` are places on this machine. */
export function* findingsIn(file: string, text: string, paths: readonly string[] = []): Iterable<string> {
  const name = file.slice(file.lastIndexOf("/") + 1);
  const at = (index: number): string => `${file}:${text.slice(0, index).split("\n").length}`;
  // this check and its test are about just these texts
  if (file.startsWith("tooling/check/") && name.startsWith("hygiene.")) return;
  for (const [what, pattern] of PATTERNS) {
    const match = pattern.exec(text);
    if (match) yield `${at(match.index)}: ${what}`;
  }
  for (const path of paths) {
    const index = text.indexOf(path);
    if (path.length > 2 && index >= 0) yield `${at(index)}: a path of this machine`;
  }
  if (name === "pnpm-lock.yaml") {
    const match = /https?:\/\/|tarball:/.exec(text);
    if (match) yield `${at(match.index)}: a lockfile holds versions and hashes, no address`;
    return;
  }
  for (const match of text.matchAll(/(?<![A-Za-z0-9+/-])[A-Za-z0-9+/]{86}==/g)) {
    const distinct = new Set(match[0]).size;
    // a made-up key in a test has few different characters
    if (match[0] !== AZURITE_KEY && distinct > 30) yield `${at(match.index)}: what looks like an account key`;
  }
}

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import process from "node:process";

/**
 * A program that a test needs, on PATH or where Debian puts servers. `npm test` installs what it may; a test that
 * lacks one is skipped, and says so in its name: `test.skipIf(!rclone)("… (needs rclone)", …)`.
 */
export function program(name: string): string | undefined {
  for (const folder of [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"]) {
    try {
      const path = join(folder, name);
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not here: the next folder.
    }
  }
  return undefined;
}

/** A file that a Debian package puts in a place of its own, such as a Python module for `/usr/bin/python3`. */
export function installed(path: string): string | undefined {
  try {
    accessSync(path, constants.R_OK);
    return path;
  } catch {
    return undefined;
  }
}

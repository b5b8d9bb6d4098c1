import { AmlError } from "@aml/core";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";

/**
 * Imports a package as the workspace folder sees it, else as the running program does, else as this package does.
 *
 * @param name - package name, or a path that starts with `./`, from the workspace folder.
 * @throws `config_invalid` when it is not installed (the hint is the command that installs it) or fails to load.
 */
export async function loadPackage(name: string, folder: string): Promise<Readonly<Record<string, unknown>>> {
  const file = findFile(name, [join(folder, "aml.config.json"), process.argv[1]]);
  try {
    return (await import(file === undefined ? name : pathToFileURL(file).href)) as Record<string, unknown>;
  } catch (cause) {
    if (file === undefined && isMissing(cause, name)) throw notInstalled(name, cause);
    throw new AmlError("config_invalid", `The package ${name} could not be loaded.`, {
      hint: name.startsWith("./")
        ? `Correct the file: ${cause instanceof Error ? cause.message : String(cause)}`
        : `Install it again: npm install ${name}`,
      context: { package: name },
      cause,
    });
  }
}

/** Where the first of `starts` that has the package has it. */
function findFile(name: string, starts: readonly (string | undefined)[]): string | undefined {
  for (const start of starts) {
    if (start === undefined) continue;
    try {
      return createRequire(pathToFileURL(start)).resolve(name);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      // Anything else, such as a broken package.json, shows itself in the import that follows.
      if (code !== "MODULE_NOT_FOUND" && code !== "ERR_MODULE_NOT_FOUND") return undefined;
    }
  }
  return undefined;
}

function isMissing(error: unknown, name: string): boolean {
  // Looked for in the workspace folder, and not found there.
  if (name.startsWith("./")) return true;
  return (
    error instanceof Error &&
    ((error as NodeJS.ErrnoException).code === "ERR_MODULE_NOT_FOUND" ||
      /cannot find|failed to/i.test(error.message)) &&
    error.message.includes(name)
  );
}

function notInstalled(name: string, cause: unknown): AmlError {
  const local = name.startsWith("./");
  return new AmlError(
    "config_invalid",
    local ? `The adapter ${name} is not there.` : `The package ${name} is not installed.`,
    {
      hint: local ? 'Correct "adapters" in aml.config.json.' : `Install it: npm install ${name}`,
      context: { package: name },
      cause,
    },
  );
}

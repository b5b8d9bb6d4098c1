import { AmlError, Secret } from "@aml/core";
import { Interruption, type Terminal } from "./terminal.ts";

const LONGEST = 65_536;

/** Takes a secret from an environment variable. @throws `config_invalid` when it is not set. */
export function secretFromEnv({ env }: Terminal, variable: string): Secret {
  const value = env[variable];
  if (value !== undefined && value !== "") return new Secret(value);
  throw new AmlError("config_invalid", `The environment variable ${variable} is not set.`, {
    hint: "Set it, or give the secret with the flag that ends in -stdin.",
    context: { variable },
  });
}

/** Reads a secret from stdin, without the line break at its end. @throws `config_invalid` when there is none. */
export async function secretFromStdin({ stdin, signal }: Terminal): Promise<Secret> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    signal.throwIfAborted();
    const bytes = Buffer.from(chunk as Uint8Array | string);
    size += bytes.length;
    if (size > LONGEST) {
      throw new AmlError("config_invalid", `The secret on stdin is longer than ${LONGEST} bytes.`, {
        hint: "Pipe in the secret alone.",
      });
    }
    chunks.push(bytes);
  }
  const value = Buffer.concat(chunks)
    .toString("utf8")
    .replace(/\r?\n$/, "");
  if (value !== "") return new Secret(value);
  throw new AmlError("config_invalid", "There is no secret on stdin.", { hint: "Pipe it in: … < key.txt" });
}

/** Asks for a secret without showing it. @throws `config_invalid` where there is nobody to ask. */
export async function askSecret(
  { stdin, stderr, signal }: Terminal,
  what: string,
  hint: string,
): Promise<Secret> {
  if (stdin.isTTY !== true || stderr.isTTY !== true) {
    throw new AmlError("config_invalid", `The ${what} is missing.`, { hint });
  }
  const { isCancel, password } = await import("@clack/prompts");
  const value = await password({
    message: `${what[0]?.toUpperCase()}${what.slice(1)}`,
    input: stdin,
    output: stderr,
    signal,
    validate: (text) => ((text ?? "") === "" ? "It is empty." : undefined),
  });
  if (isCancel(value)) {
    throw new Interruption("Interrupted.", 130);
  }
  return new Secret(value);
}

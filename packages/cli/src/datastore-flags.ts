import { AmlError } from "@aml/core";
import { readFile } from "node:fs/promises";
import type { GlobalFlags } from "./session.ts";

/** What `aml datastore create` and `update` take. */
export interface DatastoreFlags extends GlobalFlags {
  readonly type?: string;
  readonly file?: string;
  /** Values for a template. */
  readonly parameters?: string;
  readonly overwrite?: boolean;
  readonly skipValidation?: boolean;
  readonly accountName?: string;
  readonly containerName?: string;
  readonly fileShareName?: string;
  readonly filesystem?: string;
  readonly storeName?: string;
  readonly server?: string;
  readonly database?: string;
  readonly port?: string;
  readonly user?: string;
  readonly tls?: string;
  readonly host?: string;
  readonly endpoint?: string;
  readonly protocol?: string;
  readonly path?: string;
  readonly url?: string;
  readonly option?: readonly string[];
  readonly tag?: readonly string[];
  readonly description?: string;
  readonly credential?: string;
  readonly accountKey?: string;
  readonly accountKeyEnv?: string;
  readonly accountKeyStdin?: boolean;
  readonly sasToken?: string;
  readonly sasTokenEnv?: string;
  readonly sasTokenStdin?: boolean;
  readonly secondaryKeyEnv?: string;
  readonly clientSecret?: string;
  readonly clientSecretEnv?: string;
  readonly clientSecretStdin?: boolean;
  readonly password?: string;
  readonly passwordEnv?: string;
  readonly passwordStdin?: boolean;
  readonly token?: string;
  readonly tokenEnv?: string;
  readonly tokenStdin?: boolean;
  readonly secretStdin?: boolean;
  readonly secretName?: string;
  readonly tenantId?: string;
  readonly clientId?: string;
  readonly certificateFile?: string;
  readonly authorityUrl?: string;
  readonly resourceUrl?: string;
  /** `true` without a source. */
  readonly identity?: string | true;
}

/** Reads `key=value` flags. @throws `config_invalid` for one without `=`. */
export function keyValues(texts: readonly string[] = [], flag: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf("=");
      if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
      throw new AmlError("config_invalid", `${flag} needs key=value.`, { hint: `Write ${flag} key=value.` });
    }),
  );
}

/** Reads a small text file. @throws `not_found`, `permission_denied`. */
export async function readTextFile(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const denied = ["EACCES", "EPERM"].includes((cause as NodeJS.ErrnoException).code ?? "");
    throw new AmlError(denied ? "permission_denied" : "not_found", `${path} cannot be read.`, {
      hint: "Check the path and its rights.",
      context: { path },
      cause,
    });
  }
}

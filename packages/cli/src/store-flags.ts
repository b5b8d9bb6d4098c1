import { AmlError } from "@aml/core";
import { resolve } from "node:path";
import { type DatastoreFlags, keyValues } from "./datastore-flags.ts";
import { dashed, STORE_FLAGS } from "./flag-tables.ts";
import type { Session } from "./session.ts";

/**
 * Options of a store of `type`, from its flags and `--option key=value`. A type from elsewhere takes every flag.
 *
 * @throws `config_invalid` for a flag that the type has not got.
 */
export function storeOptions(
  session: Session,
  flags: DatastoreFlags,
  type: string | undefined,
): Readonly<Record<string, string>> {
  const own = STORE_FLAGS.some(({ types }) => type !== undefined && types.includes(type));
  const options: Record<string, string> = {};
  for (const { name, option, types } of STORE_FLAGS) {
    const value = flags[name];
    if (value === undefined) continue;
    if (own && !types.includes(type ?? "")) throw stranger(name, types, type ?? "");
    // The user of a password is part of the credential.
    if (name === "user" && isPassword(flags)) continue;
    options[option] = name === "path" && type !== "dbfs" ? resolve(session.terminal.cwd, value) : value;
  }
  return { ...options, ...keyValues(flags.option, "--option") };
}

/** Whether the flags give a user with a password. */
export function isPassword({ credential, password, passwordEnv, passwordStdin }: DatastoreFlags): boolean {
  return (
    credential === "password" || [password, passwordEnv, passwordStdin].some((value) => value !== undefined)
  );
}

function stranger(name: string, types: readonly string[], type: string): AmlError {
  const others = STORE_FLAGS.filter((known) => known.types.includes(type)).map((known) => dashed(known.name));
  return new AmlError(
    "config_invalid",
    `${dashed(name)} is of ${types.join(", ")}; a datastore of type ${type} has no such option.`,
    {
      hint: `Flags of ${type}: ${others.join(", ")}.`,
      context: { type },
    },
  );
}

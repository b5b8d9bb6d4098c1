/** Keeps a key for this user across restarts. */
export interface Keychain {
  /** `undefined` when there is no entry. */
  get(account: string): Promise<string | undefined>;
  set(account: string, value: string): Promise<void>;
}

const SERVICE = "aml-vault";

/**
 * The keychain of the operating system: macOS Keychain, Windows Credential Manager, Secret Service on Linux.
 * `undefined` where there is none, or where the optional package `@napi-rs/keyring` is not installed.
 */
export async function systemKeychain(): Promise<Keychain | undefined> {
  try {
    const { AsyncEntry } = await import("@napi-rs/keyring");
    // Left to itself the package falls back to the kernel's keyring, which forgets everything at a restart.
    const entry = (account: string): InstanceType<typeof AsyncEntry> =>
      new AsyncEntry(SERVICE, account, { linux: { store: "secret-service" } });
    entry("probe");
    return {
      get: async (account) => (await entry(account).getPassword()) ?? undefined,
      set: (account, value) => entry(account).setPassword(value),
    };
  } catch {
    // Not installed, no binary for this platform, or no Secret Service: all mean that there is no keychain here.
    return undefined;
  }
}

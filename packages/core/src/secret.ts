import type { OperationOptions } from "./storage.ts";

/** Holds a secret value; printing, logging, inspecting or serialising it gives `***`. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. The one door: search for callers of this method to see where secrets go. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return "***";
  }

  toJSON(): string {
    return "***";
  }
}

/** Names a secret. This is what specs and registries keep; the value stays in a `SecretStore`. */
export interface SecretRef {
  readonly secret: string;
}

/** Keeps secret values by name. */
export interface SecretStore {
  /** @throws `not_found` when there is no secret of that name; `auth_failed` when the store cannot be unlocked. */
  get(name: string, options?: OperationOptions): Promise<Secret>;
  /** Stores a value, replacing the one that was there. Absent on a read-only store. */
  set?(name: string, value: Secret, options?: OperationOptions): Promise<void>;
  /** Removes a value; succeeds when there was none. Absent on a read-only store. */
  delete?(name: string, options?: OperationOptions): Promise<void>;
}

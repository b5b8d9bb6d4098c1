import type { AmlErrorCode, OperationOptions } from "@aml/core";

/** The stations on the way to a store, in order. */
export const HOPS = [
  "record",
  "secret",
  "name",
  "tcp",
  "tls",
  "clock",
  "credential",
  "firewall",
  "sign_in",
  "store",
  "rights",
  "list",
  "read",
  "write",
] as const;

export type HopName = (typeof HOPS)[number];

/** What one station showed. No field holds a secret. */
export interface Hop {
  readonly name: HopName;
  readonly status: "ok" | "failed" | "skipped";
  /** One sentence. */
  readonly message: string;
  /** What to do next. */
  readonly hint?: string | undefined;
  /** Of a failed one. */
  readonly code?: AmlErrorCode | undefined;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly durationMs: number;
}

export interface DoctorReport {
  readonly datastore: string;
  readonly type?: string | undefined;
  /** No hop failed. */
  readonly ok: boolean;
  readonly hops: readonly Hop[];
}

export interface DoctorOptions extends OperationOptions {
  /** A file or folder in the store that rights, listing and reading are tried on; its root unless given. */
  readonly path?: string | undefined;
  /** Also writes a small file of a new name, and deletes it. */
  readonly write?: boolean | undefined;
  /** For each hop; 10,000 unless given. */
  readonly timeoutMs?: number | undefined;
  /** Hears of each hop when it is over. */
  readonly onHop?: ((hop: Hop) => void | Promise<void>) | undefined;
}

/** What a station found; one that throws has failed. */
export interface Finding {
  readonly status: "ok" | "failed" | "skipped";
  readonly message: string;
  readonly hint?: string | undefined;
  readonly code?: AmlErrorCode | undefined;
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
}

export function ok(message: string, facts?: Finding["facts"], hint?: string): Finding {
  return { status: "ok", message, facts, hint };
}

export function skipped(message: string): Finding {
  return { status: "skipped", message };
}

export function failed(
  code: AmlErrorCode,
  message: string,
  hint: string | undefined,
  facts?: Finding["facts"],
): Finding {
  return { status: "failed", code, message, hint, facts };
}

import type { StorageAdapter } from "@aml/core";

/**
 * What a case asks of a store: a verb, a capability, or secrets that it was opened with. `copy` is `copySource` and
 * `copyFrom`, `resume` is `keptBytes`.
 */
export type Need =
  | "list"
  | "write"
  | "delete"
  | "directories"
  | "sortedList"
  | "etags"
  | "conditionalWrites"
  | "atomicWrites"
  | "properties"
  | "md5"
  | "copy"
  | "resume"
  | "secrets";

/** One rule of the storage contract, as data. */
export interface StorageCase {
  /** Stable: gaps and support tables refer to it, e.g. `read/range-middle`. */
  readonly id: string;
  readonly title: string;
  readonly needs: readonly Need[];
  /** Rejects when the store breaks the rule. */
  readonly run: (context: CaseContext) => Promise<void>;
  /** Breaks a store in the way that this case, and no weaker one, catches. */
  readonly mutate: Mutate;
}

export type Mutate = (store: StorageAdapter, secrets: readonly string[]) => StorageAdapter;

export interface CaseContext {
  /** Empty when the case begins. */
  readonly storage: StorageAdapter;
  readonly seed: (files: Readonly<Record<string, string | Uint8Array>>) => Promise<void>;
  readonly lacks: readonly Need[];
  readonly secrets: readonly string[];
  readonly pageSize: number;
  readonly openStreams: (() => number) | undefined;
}

/** A fresh, empty store for one case. */
export interface Fixture {
  readonly storage: StorageAdapter;
  /** A back door that puts files there; `storage.write` unless given. A read-only store needs it. */
  readonly seed?: ((files: Readonly<Record<string, Uint8Array>>) => Promise<void>) | undefined;
  /** Secret values that the store was opened with: the suite hunts them through all that comes out. */
  readonly secrets?: readonly string[] | undefined;
  /** Items on a page of `list`, so that a case can fill more than two; 10 unless given. */
  readonly pageSize?: number | undefined;
  /** Bodies that the other side is still sending; must fall to 0 after a cancelled read. */
  readonly openStreams?: (() => number) | undefined;
  readonly close?: (() => Promise<void>) | undefined;
}

/** A rule that an adapter is known to break. One that it keeps again fails the run, until the gap is removed. */
export interface Gap {
  /** `not_implemented`: ours to do; `upstream`: waits for the store or its SDK; `never`: the store cannot. */
  readonly status: "not_implemented" | "upstream" | "never";
  readonly reason: string;
  /** `YYYY-MM-DD`. */
  readonly since: string;
}

/** The two functions that vitest, `bun:test`, `node:test` and Deno's `@std/testing/bdd` have in common. */
export interface Runner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly test: (name: string, body: () => Promise<void>) => unknown;
}

export interface CaseResult {
  readonly id: string;
  readonly title: string;
  readonly status: "passed" | "failed" | "gap" | "not_applicable";
  /** Of a gap, a failure, or what the store lacks. */
  readonly reason?: string | undefined;
}

/** Fills while the runner works; complete when it is done. */
export interface SupportMatrix {
  readonly name: string;
  readonly results: readonly CaseResult[];
}

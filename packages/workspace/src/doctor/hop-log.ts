import { AmlError, isAmlError, redact } from "@aml/core";
import {
  type DoctorOptions,
  failed,
  type Finding,
  type Hop,
  type HopName,
  HOPS,
  skipped,
} from "./doctor-types.ts";

/** Runs one station after the other, and none behind one that is broken. */
export interface HopLog {
  readonly hops: readonly Hop[];
  /**
   * Runs a station within its time.
   *
   * @returns whether the way goes on.
   */
  run(name: HopName, station: (signal: AbortSignal) => Promise<Finding>, goesOn?: boolean): Promise<boolean>;
  /** Notes what a station found that ran with another one. */
  note(name: HopName, finding: Finding, durationMs?: number): Promise<void>;
  /** Notes all that is left as not reached. */
  skipRest(why?: string): Promise<void>;
}

const TITLES: Partial<Record<HopName, string>> = {
  record: "a registered datastore",
  secret: "the secret",
  name: "the address of the host",
  tcp: "a connection",
  tls: "TLS",
  credential: "a credential",
  firewall: "a way through the firewall",
  sign_in: "a credential that is accepted",
  store: "a store that is there",
  rights: "a path that is there",
};

export function createHopLog({ signal, timeoutMs = 10_000, onHop }: DoctorOptions): HopLog {
  const hops: Hop[] = [];
  let broken: HopName | undefined;
  const note: HopLog["note"] = async (name, finding, durationMs = 0) => {
    const { status, message, hint, code, facts = {} } = finding;
    const hop: Hop = Object.freeze({
      name,
      status,
      message: redact(message),
      ...(hint !== undefined && { hint: redact(hint) }),
      ...(code !== undefined && { code }),
      facts,
      durationMs: Math.round(durationMs),
    });
    hops.push(hop);
    if (status === "failed") broken ??= name;
    await onHop?.(hop);
  };
  return {
    hops,
    note,
    async run(name, station, goesOn = false) {
      signal?.throwIfAborted();
      const start = performance.now();
      const finding = await within(name, timeoutMs, signal, station);
      const before = broken;
      await note(name, finding, performance.now() - start);
      if (finding.status !== "failed") return true;
      if (goesOn) broken = before;
      return goesOn;
    },
    async skipRest(why) {
      const needs = broken === undefined ? undefined : `Needs ${TITLES[broken] ?? broken}.`;
      for (const name of HOPS) {
        if (!hops.some((hop) => hop.name === name))
          await note(name, skipped(why ?? needs ?? "Not asked for."));
      }
    },
  };
}

/** Ends a station that takes longer, also one that does not listen. */
async function within(
  name: HopName,
  timeoutMs: number,
  outer: AbortSignal | undefined,
  station: (signal: AbortSignal) => Promise<Finding>,
): Promise<Finding> {
  const late = new AmlError("timeout", `There was no answer within ${timeoutMs / 1000} s.`, {
    hint: LATE[name] ?? "Try again; check the network and the service.",
  });
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(late), timeoutMs);
  const signal = outer === undefined ? controller.signal : AbortSignal.any([outer, controller.signal]);
  let stop: (() => void) | undefined;
  const stopped = new Promise<never>((_resolve, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
  });
  try {
    return await Promise.race([station(signal), stopped]);
  } catch (error) {
    if (outer?.aborted === true) throw outer.reason;
    return asFinding(error);
  } finally {
    clearTimeout(timer);
    if (stop !== undefined) signal.removeEventListener("abort", stop);
  }
}

const LATE: Partial<Record<HopName, string>> = {
  name: "Check this machine's name servers.",
  tcp: "Packets are dropped on the way: check firewalls, routes and security groups between here and there.",
  tls: "Something else than a TLS server listens there, or a device on the way holds the handshake back.",
};

export function asFinding(error: unknown): Finding {
  if (isAmlError(error)) {
    const { status, serviceCode } = error.context;
    const facts = {
      ...(status !== undefined && { status }),
      ...(serviceCode !== undefined && { serviceCode }),
    };
    return failed(error.code, error.message, error.hint, facts);
  }
  const message = error instanceof Error ? error.message : String(error);
  return failed(
    "internal",
    `It failed in a way that is not known: ${message}`,
    "Report this with --verbose.",
  );
}

import { createCertificate } from "../certificate.ts";
import { EmulatorError } from "../emulator-error.ts";
import type { Entra } from "../entra/start-entra.ts";
import { withFaults } from "../faults/with-faults.ts";
import type { Fault } from "../faults/fault.ts";
import { createFaultScript } from "../faults/fault-script.ts";
import { EMULATED_SERVICES, portOf, withNeeded, type EmulatedService } from "./emulated-service.ts";
import { lockFolder } from "./lock-folder.ts";
import { keptCertificate } from "./emulator-certificate.ts";
import type { RunningEntra, RunningServices } from "./running-service.ts";
import { APP, portError, STARTERS, type Shared } from "./start-service.ts";

export interface EmulatorOptions {
  /** All unless given. Those that sign their clients in bring `entra` along. */
  readonly services?: readonly EmulatedService[] | undefined;
  /** Keeps what is written in this folder, from one start to the next; in memory unless given. */
  readonly data?: string | undefined;
  readonly faults?: readonly Fault[] | undefined;
  /** The first of nine ports in a row, each service its own; free ones unless given. */
  readonly portBase?: number | undefined;
  /** Storage and Databricks on https too, as access tokens want it. Entra and Key Vault always are. */
  readonly https?: boolean | undefined;
}

export interface Emulator extends RunningServices, AsyncDisposable {
  /** What clients must trust, with https; see `trustCertificate`. */
  readonly certificatePem: string;
  /** Ends everything that runs, open connections too; data in a folder is complete then. */
  close(): Promise<void>;
}

/**
 * Starts the emulated services on the loopback interface. They do not keep their process alive.
 *
 * @throws {EmulatorError} for an unknown service, a wrong fault, a port that is taken; a folder that is in use.
 */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const wanted = options.services ?? EMULATED_SERVICES;
  for (const name of wanted) checkService(name);
  const faults = checkFaults(options.faults ?? []);
  const script = createFaultScript(faults);
  const unlock = options.data === undefined ? undefined : await lockFolder(options.data);
  const servers: Shared["servers"] = [];
  const backends: Shared["backends"] = [];
  const close = closing(servers, backends, unlock);
  try {
    const certificate = await (options.data === undefined
      ? createCertificate()
      : keptCertificate(options.data));
    const common = {
      data: options.data,
      portBase: options.portBase,
      https: options.https ?? false,
      certificate,
      faults: script,
      hasFaults: (name: EmulatedService) => faults.some(({ service = name }) => service === name),
      servers,
      backends,
    };
    const names = withNeeded(wanted);
    const entra = names.includes("entra") ? await runEntra(common) : undefined;
    const running = await startAll(names, { ...common, entra });
    return {
      ...running,
      ...(entra && { entra: runningEntra(entra) }),
      certificatePem: certificate.certificate,
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function checkService(name: string): void {
  if (EMULATED_SERVICES.includes(name as EmulatedService)) return;
  throw new EmulatorError(`There is no service "${name}"; there are ${EMULATED_SERVICES.join(", ")}.`);
}

function checkFaults(faults: readonly Fault[]): readonly Fault[] {
  for (const { service } of faults) {
    if (service === undefined) continue;
    checkService(service);
    if (service !== "sql") continue;
    throw new EmulatorError(
      "Faults of sql are no answers to requests: set them with startAzureSql({ faults }).",
    );
  }
  return faults;
}

/** Starts side by side; when one fails, the others are awaited, so that all can be closed. */
async function startAll(names: readonly EmulatedService[], shared: Shared): Promise<RunningServices> {
  const started = await Promise.allSettled(
    names.map(async (name) => (name === "entra" ? [] : [name, await STARTERS[name](shared)])),
  );
  const failed = started.find((one) => one.status === "rejected");
  if (failed) throw failed.reason;
  const entries = started.flatMap((one) =>
    one.status === "fulfilled" && one.value.length ? [one.value] : [],
  );
  return Object.fromEntries(entries as [EmulatedService, unknown][]) as RunningServices;
}

async function runEntra(shared: Omit<Shared, "entra">): Promise<Entra> {
  const { startEntra } = await import("../entra/start-entra.ts");
  const entra = await startEntra({
    apps: [{ clientId: APP.clientId, secrets: [APP.clientSecret] }],
    port: portOf(shared.portBase, "entra"),
    managedPort: portOf(shared.portBase, "identity"),
    certificate: shared.certificate,
    wrap: (service) => withFaults(service, shared.faults, "entra"),
  }).catch((error: unknown) => {
    throw portError(error, "entra");
  });
  shared.servers.push(entra);
  return entra;
}

function runningEntra(entra: Entra): RunningEntra {
  return Object.assign(entra, APP);
}

/** Ends what was started, once: whoever calls twice waits for the same end. */
function closing(
  servers: Shared["servers"],
  backends: Shared["backends"],
  unlock: (() => Promise<void>) | undefined,
): () => Promise<void> {
  let ending: Promise<void> | undefined;
  const end = async (): Promise<void> => {
    const ended = [
      ...(await Promise.allSettled(servers.map(async (server) => server.close()))),
      ...(await Promise.allSettled(backends.map(async (backend) => backend.close()))),
    ];
    await unlock?.();
    const failed = ended.find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
  };
  return () => (ending ??= end());
}

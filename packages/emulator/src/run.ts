import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CommanderError } from "commander";
import { EmulatorError } from "./emulator-error.ts";
import { parseCommand, type Flags, type Output } from "./parse-command.ts";

/**
 * Runs the command until it is aborted.
 *
 * @returns the exit code: 0 also when it is aborted, 1 for a failure, 2 for a wrong command line.
 */
export async function run(args: readonly string[], output: Output, signal: AbortSignal): Promise<number> {
  let flags: Flags;
  try {
    flags = parseCommand(args, output);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    throw error;
  }
  try {
    await emulate(flags, output, signal);
    return 0;
  } catch (error) {
    // Whoever made no mistake in using it wants to see where it broke.
    const known = error instanceof EmulatorError;
    output.err(`${known ? `error: ${error.message}` : String((error as Error).stack ?? error)}\n`);
    return 1;
  }
}

async function emulate(flags: Flags, { out }: Output, signal: AbortSignal): Promise<void> {
  const { startEmulator } = await import("./product/start-emulator.ts");
  const data = flags.data === undefined ? undefined : resolve(flags.data);
  const https = flags.https ?? false;
  await using emulator = await startEmulator({
    services: flags.only,
    portBase: flags.portBase,
    data,
    https,
    faults: await readFaults(flags.faults),
  });
  const folder = data ?? (await mkdtemp(join(tmpdir(), "aml-emulator-")));
  try {
    const certificateFile = join(folder, "certificate.pem");
    if (data === undefined) await writeFile(certificateFile, emulator.certificatePem);
    const { reportJson, reportText } = await import("./describe-emulator.ts");
    const report = { services: emulator, certificateFile, data, https };
    out(flags.json ? reportJson(report) : reportText(report));
    await aborted(signal);
  } finally {
    if (data === undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function readFaults(file: string | undefined) {
  if (file === undefined) return undefined;
  const { parseFaults } = await import("./faults/parse-faults.ts");
  const text = await readFile(file, "utf8").catch((cause: unknown) => {
    throw new EmulatorError(`${file} cannot be read: ${(cause as Error).message}`, { cause });
  });
  return parseFaults(text, file);
}

/** Keeps the process alive until then: no server of ours does. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const alive = setInterval(() => undefined, 3_600_000);
    const end = (): void => {
      clearInterval(alive);
      done();
    };
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}

import { Command, InvalidArgumentError } from "commander";
import { readFileSync } from "node:fs";
import { EMULATED_SERVICES, TITLES, type EmulatedService } from "./product/emulated-service.ts";

/** What the command line says. */
export interface Flags {
  readonly only?: readonly EmulatedService[];
  readonly portBase: number;
  readonly data?: string;
  readonly faults?: string;
  readonly https?: boolean;
  readonly json?: boolean;
}

/** The first of the ports that the emulator takes unless it is told otherwise; Azurite's begin at 10000. */
const PORT_BASE = 10100;

export interface Output {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/**
 * Reads a command line.
 *
 * @throws commander's error for a wrong one, and after `--help` and `--version`; the text is written by then.
 */
export function parseCommand(args: readonly string[], { out, err }: Output): Flags {
  const command = new Command("aml-emulator")
    .description("Azure's storage, Key Vault, Entra ID, SQL and Databricks files on this machine, for tests.")
    .version(version(), "--version", "print the version")
    .option("--only <names>", `start these, with commas: ${EMULATED_SERVICES.join(",")}`, names)
    .option("--port-base <port>", "the first of nine ports in a row", port, PORT_BASE)
    .option("--data <folder>", "keep what is written in this folder; in memory unless given")
    .option("--faults <file>", "make requests fail by this script, a JSON file")
    .option("--https", "storage and Databricks on https too, as access tokens want it")
    .option("--json", "print the endpoints as one line of JSON")
    .helpOption("-h, --help", "print help")
    .exitOverride()
    .configureOutput({ writeOut: out, writeErr: err })
    .addHelpText("after", `\n${servicesText()}\n${EXAMPLES}`);
  return command.parse([...args], { from: "user" }).opts<Flags>();
}

const EXAMPLES = `Examples:
  npx @aml/emulator
  npx @aml/emulator --only blob,files --data ./emulated
  npx @aml/emulator --only key-vault --json
  npx @aml/emulator --https --faults faults.json

A fault: [{ "service": "files", "match": { "method": "GET" }, "call": 3, "does": "reset" }]
`;

function servicesText(): string {
  const rows = EMULATED_SERVICES.map(
    (name, index) => `  ${name.padEnd(10)} ${PORT_BASE + index}  ${TITLES[name]}`,
  );
  return ["Services and their ports:", ...rows, ""].join("\n");
}

function names(text: string): readonly EmulatedService[] {
  const wanted = text.split(",").map((name) => name.trim());
  const wrong = wanted.find((name) => !EMULATED_SERVICES.includes(name as EmulatedService));
  if (wrong === undefined) return wanted as EmulatedService[];
  throw new InvalidArgumentError(`There is no service "${wrong}".`);
}

function port(text: string): number {
  const value = Number(text);
  const last = 65_535 - EMULATED_SERVICES.length;
  if (Number.isInteger(value) && value >= 1 && value <= last) return value;
  throw new InvalidArgumentError(`It must be a number from 1 to ${last}.`);
}

function version(): string {
  // Beside src and beside dist alike.
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}

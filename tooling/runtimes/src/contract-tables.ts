import type { Outcome } from "./run-job.ts";
import type { ContractCase } from "./runner.ts";
import type { Runtime } from "./runtimes.ts";

interface Measured extends ContractCase {
  readonly runtime: string;
}

/**
 * What each store does, by credential, operation and runtime, as a Markdown page: the conformance cases that passed
 * in this run, and nothing that was not run.
 */
export function contractTables(runtimes: readonly Runtime[], outcomes: readonly Outcome[]): string {
  const cases = outcomes.flatMap(({ job, counts }) =>
    (counts.contracts ?? []).map((one): Measured => ({ ...one, runtime: job.runtime.name })),
  );
  const contracts = [...new Set(cases.map(({ contract }) => contract))];
  const tables = contracts.map((contract) => {
    const rows = cases.filter((one) => one.contract === contract);
    return `## The ${contract} contract\n\n${tableOf(rows, runtimes)}`;
  });
  return [
    "# Stores, measured",
    "",
    "Each number is the conformance cases that passed for a store and a way to sign in, on a real or emulated server;",
    "`+1 gap` is a known debt, listed with its reason in the package's suite; `–` is a verb that the store does not claim.",
    "Where runtimes differ, the cell names them. `npm run runtimes -- --write` renews this page.",
    "",
    tables.join("\n\n"),
    "",
  ].join("\n");
}

function tableOf(cases: readonly Measured[], runtimes: readonly Runtime[]): string {
  const verbs = [...new Set(cases.map(({ verb }) => verb))];
  const names = [...new Set(cases.map(({ name }) => name))].toSorted();
  const heads = ["store and credential", ...verbs, ...runtimes.map(({ title }) => title)];
  const rows = names.map((name) => {
    const own = cases.filter((one) => one.name === name);
    return [
      name,
      ...verbs.map((verb) =>
        verbCell(
          own.filter((one) => one.verb === verb),
          runtimes,
        ),
      ),
      ...runtimes.map((runtime) => runtimeCell(own, runtime)),
    ];
  });
  return [heads, heads.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

function verbCell(cases: readonly Measured[], runtimes: readonly Runtime[]): string {
  if (cases.length === 0) return "–";
  const texts = runtimes.flatMap(({ name, title }) => {
    const own = cases.filter(({ runtime }) => runtime === name);
    return own.length === 0 ? [] : [{ title, text: tally(own) }];
  });
  const [first] = texts;
  if (first && texts.every(({ text }) => text === first.text)) return first.text;
  return texts.map(({ title, text }) => `${title}: ${text}`).join(", ");
}

function runtimeCell(cases: readonly Measured[], { name }: Runtime): string {
  const own = cases.filter(({ runtime }) => runtime === name);
  return own.length === 0 ? "not run" : tally(own);
}

function tally(cases: readonly Measured[]): string {
  const count = (result: string): number => cases.filter((one) => one.result === result).length;
  const [failed, gaps] = [count("failed"), count("gap")];
  return [
    String(count("passed")),
    ...(gaps > 0 ? [`+${gaps} gap${gaps > 1 ? "s" : ""}`] : []),
    ...(failed > 0 ? [`${failed} failed`] : []),
  ].join(", ");
}

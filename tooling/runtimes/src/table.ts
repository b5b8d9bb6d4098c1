import type { Outcome } from "./run-job.ts";
import type { Runtime } from "./runtimes.ts";

/** The support matrix as a Markdown page: a row for each suite, a column for each runtime. */
export function supportTable(runtimes: readonly Runtime[], outcomes: readonly Outcome[]): string {
  const rows = new Map<string, Map<string, string>>();
  for (const { job, counts } of outcomes) {
    const name = `\`${job.suite.name}\` ${job.suite.kind}`;
    const cells = rows.get(name) ?? new Map<string, string>();
    cells.set(job.runtime.name, counts.failed ? `${counts.failed} failed` : "yes");
    rows.set(name, cells);
  }
  const heads = runtimes.map(({ title, version }) => (version ? `${title} ${version}` : title));
  const body = [...rows]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, cells]) =>
      line([
        name,
        ...runtimes.map((runtime) => cells.get(runtime.name) ?? (runtime.version ? "yes" : "not run")),
      ]),
    );
  return [
    "# Runtimes",
    "",
    "Each suite runs as it is in each runtime, on the sources; `npm run runtimes -- --write` renews this page.",
    "The tests of `@aml/core` run in Chromium as well. Packages without a row are tested in Node.",
    "",
    line(["Suite", ...heads]),
    line(["---", ...heads.map(() => "---")]),
    ...body,
    "",
  ].join("\n");
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

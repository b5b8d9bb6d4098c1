import type { Explanation, SqlExplanation } from "./explanation.ts";
import { formatFilter } from "./format-filter.ts";
import type { Source, Step } from "./plan.ts";

/** An explanation for people, in sections: plan, files, bytes, query, SQL, notes. */
export function explanationText(explanation: Explanation): string {
  const { plan, files, bytes, query, sql, notes } = explanation;
  const sections: string[] = [
    section("Plan", [
      sourceText(plan.source),
      ...plan.steps.map((step, at) => `${at}  ${step.op}  ${stepText(step)}`.trimEnd()),
    ]),
  ];
  if (files !== undefined) {
    const gone = files.listed - files.read;
    const unnamed = gone - files.pruned.length;
    sections.push(
      section("Files", [
        `listed ${files.listed}, read ${files.read}, left out ${gone}`,
        ...files.pruned.map(({ uri, reason }) => `- ${uri}  ${reason}`),
        ...(unnamed > 0 ? [`… and ${unnamed} more`] : []),
      ]),
    );
  }
  if (bytes !== undefined) {
    const { stored, read, fetch, cached } = bytes;
    const share = stored === 0 ? "" : `, ${percent(fetch / stored)} of what is stored`;
    sections.push(
      section("Bytes", [
        `stored ${grouped(stored)}, in files to read ${grouped(read)}, on this machine already ${grouped(cached)}`,
        `to fetch at most ${grouped(fetch)}${share}`,
      ]),
    );
  }
  if (query !== undefined) {
    const { sent, parameters, pushedSteps, notPushed } = query;
    sections.push(
      section(`Query to ${query.datastore}`, [
        ...sent.split("\n"),
        ...Object.entries(parameters).map(([name, type]) => `:${name} is a bound ${type}`),
        pushedSteps.length > 0
          ? `pushed down: step${pushedSteps.length > 1 ? "s" : ""} ${pushedSteps.join(", ")}`
          : "pushed down: nothing",
        ...(notPushed === undefined ? [] : [`not pushed down: ${notPushed}`]),
      ]),
    );
  }
  if (sql !== undefined) sections.push(section("SQL of the engine", sql.split("\n")));
  if (notes.length > 0) sections.push(section("Notes", notes));
  return `${sections.join("\n\n")}\n`;
}

/** An explanation of a statement for people: of each table its sections, below its name. */
export function sqlExplanationText({ tables, notes }: SqlExplanation): string {
  const all = tables.map(({ name, ...table }) =>
    section(`Table ${name}`, explanationText(table).trimEnd().split("\n")),
  );
  if (notes.length > 0) all.push(section("Notes", notes));
  return `${all.join("\n\n")}\n`;
}

function section(title: string, lines: readonly string[]): string {
  return [title, ...lines.map((line) => `  ${line}`.trimEnd())].join("\n");
}

function sourceText(source: Source): string {
  if (source.from === "query") return `from a query of ${source.datastore}`;
  const paths = source.paths.map((path) => Object.values(path).join()).slice(0, 5);
  const more = source.paths.length > paths.length ? `, … (${source.paths.length} paths)` : "";
  return `from ${paths.join(", ")}${more}${source.pinned === undefined ? "" : `, ${source.pinned.length} pinned files`}`;
}

function stepText(step: Step): string {
  if (step.op === "filter") return formatFilter(step.where);
  const { op: _, ...rest } = step;
  const fields = Object.entries(rest).filter(([, value]) => value !== undefined);
  return fields.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(" ");
}

function grouped(bytes: number): string {
  return bytes.toLocaleString("en-US");
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 2 : 0)} %`;
}

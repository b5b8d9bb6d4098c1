import type { CaseResult, SupportMatrix } from "./storage-case.ts";

const SIGNS: Readonly<Record<CaseResult["status"], string>> = {
  passed: "yes",
  failed: "FAILS",
  gap: "gap",
  not_applicable: "–",
};

/** Several adapters side by side as a Markdown table, a row a case, with the reasons of gaps and failures below. */
export function formatMatrix(matrices: readonly SupportMatrix[]): string {
  const rows = new Map<string, string>();
  for (const { results } of matrices) for (const { id, title } of results) rows.set(id, title);
  const find = (matrix: SupportMatrix, id: string): CaseResult | undefined =>
    matrix.results.find((result) => result.id === id);
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  const table = [
    line(["case", "rule", ...matrices.map(({ name }) => name)]),
    line(["---", "---", ...matrices.map(() => "---")]),
    ...[...rows]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([id, title]) => {
        const cells = matrices.map((matrix) => {
          const result = find(matrix, id);
          return result === undefined ? "not run" : SIGNS[result.status];
        });
        return line([id, title, ...cells]);
      }),
  ];
  const notes = matrices.flatMap(({ name, results }) =>
    results
      .filter(({ status }) => status === "gap" || status === "failed")
      .map(({ id, reason }) => `- ${name}, ${id}: ${(reason ?? "").replaceAll("\n", " ")}`),
  );
  return [...table, ...(notes.length > 0 ? ["", ...notes] : []), ""].join("\n");
}

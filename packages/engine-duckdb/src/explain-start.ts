import type { FileRef, TabularPlan } from "@aml/core";
import { isSmall, START_BYTES, type Stager } from "@aml/staging";
import { mapFiles, MOST_ROWS, rowsWanted, textTransform } from "./inspect-context.ts";

interface ExplainedStart {
  readonly read: number;
  /** Of that, not on this machine. */
  readonly fetch: number;
  readonly note: string;
}

/**
 * The bytes that the first rows of text files take: of the first file, and for their headers of others. Undefined for
 * plans that read whole files.
 */
export async function explainStart(
  plan: TabularPlan,
  files: readonly FileRef[],
  stager: Stager,
  signal: AbortSignal | undefined,
): Promise<ExplainedStart | undefined> {
  const step = plan.steps.find(({ op }) => op === "read_delimited" || op === "read_json_lines");
  const wanted = rowsWanted(plan);
  if (step === undefined || wanted === undefined || wanted > MOST_ROWS) return undefined;
  if (step.op === "read_json_lines" && wanted === 0) return undefined;
  const every = "header" in step && step.header === "all_files_different_headers";
  const encoding = "encoding" in step ? step.encoding : undefined;
  const parts = await mapFiles(every ? files : files.slice(0, 1), async (file) => {
    const { size } = file.stat;
    const transform = textTransform(file, encoding);
    if ((await stager.isHere(file, { transform })) || (await stager.isHere(file)))
      return { read: size, fetch: 0 };
    const read = isSmall(file) ? size : Math.min(size, START_BYTES);
    const sparse = isSmall(file) ? undefined : await stager.stageSparse(file, { signal });
    try {
      return { read, fetch: (await sparse?.missing([{ start: 0, end: read }], { signal })) ?? read };
    } finally {
      await sparse?.release();
    }
  });
  const sum = (key: "read" | "fetch"): number => parts.reduce((total, part) => total + part[key], 0);
  const note = `Files are read as far as it takes to have ${wanted} rows; where the bytes to read have fewer, by more of them.`;
  return { read: sum("read"), fetch: sum("fetch"), note };
}

import { AmlError, type ConversionErrors, type TabularPlan, type ValuePlace } from "@aml/core";
import { filterColumns } from "@aml/core/plan";
import { compilePlan, type CompiledPlan } from "./compile-plan.ts";
import { countErrors } from "./encode-table.ts";
import type { Inspected } from "./inspected.ts";
import { isGap, type PartialFiles } from "./partial-files.ts";
import type { CompileOptions } from "./relation.ts";
import type { Scope } from "./scope.ts";
import { quoteIdentifier, quoteText } from "./sql-text.ts";

export interface FindOptions {
  readonly plan: TabularPlan;
  readonly inspected: Inspected;
  readonly parts: PartialFiles | undefined;
  readonly scope: Scope;
  readonly compile: CompileOptions;
  readonly signal?: AbortSignal | undefined;
}

/** Places that are told of each column. */
const TOLD = 10;

interface Found {
  /** Index of the file. */
  readonly f: number;
  /** Row of all files together, from 0. */
  readonly r: number;
  readonly v: string;
}

/**
 * Where the first values are that could not be converted: a pass of its own, as rows do not carry their places along.
 *
 * @param counts - how many there are, by column.
 */
export async function findConversionErrors(
  counts: ReadonlyMap<string, number>,
  options: FindOptions,
): Promise<ConversionErrors[]> {
  if (counts.size === 0) return [];
  return withWholeFiles(options, () => find(counts, options));
}

/**
 * What could not be converted of the columns that filters look at: a null there drops the row, and with it what tells of
 * the value. So these are counted in front of the first filter that looks at them, which takes a pass of its own.
 *
 * @returns nothing of a plan that takes some of the rows behind: nobody has looked at the others.
 */
export async function findFilteredErrors(options: FindOptions): Promise<ConversionErrors[]> {
  const { plan, inspected, compile, scope, signal } = options;
  const { steps } = plan;
  const out: ConversionErrors[] = [];
  const told = new Set<string>();
  const read = steps.findIndex(({ op }) => op.startsWith("read_"));
  for (const [at, step] of steps.entries()) {
    if (step.op !== "filter" || at < read || steps.slice(at).some(({ op }) => op === "take")) continue;
    const named = new Set(filterColumns(step.where));
    const before = { ...plan, steps: steps.slice(0, at) };
    const compiled = compilePlan(before, inspected, compile);
    const columns = compiled.columns.filter(
      ({ name, errorId }) => errorId !== undefined && named.has(name) && !told.has(name),
    );
    if (columns.length === 0) continue;
    for (const { name } of columns) told.add(name);
    const counts = await withWholeFiles(options, () => countErrors(scope, { ...compiled, columns }, signal));
    out.push(...(await findConversionErrors(counts, { ...options, plan: before })));
  }
  return out;
}

/** Throws the error of a value that could not be converted anew, with its file and row. */
export async function findFailedConversion(error: AmlError, options: FindOptions): Promise<void> {
  const { column, value } = error.context;
  if (error.code !== "parse_failed" || typeof column !== "string" || typeof value !== "string") return;
  await withWholeFiles(options, () => throwWithPlace(error, options));
}

/** Rows are numbered over all row groups, those too that the plan's own queries leave out. */
async function withWholeFiles<T>({ parts, signal }: FindOptions, task: () => Promise<T>): Promise<T> {
  await parts?.complete(signal);
  try {
    return await task();
  } catch (error) {
    if (!isGap(error) || (await parts?.completeFile(undefined, signal)) !== true) throw error;
    return task();
  }
}

async function find(counts: ReadonlyMap<string, number>, options: FindOptions): Promise<ConversionErrors[]> {
  const { scope, signal } = options;
  const { ctes, from, columns, file, row } = compileWithPlaces(options);
  const failing = columns.filter(({ name, errorId }) => errorId !== undefined && counts.has(name));
  const lists = failing.map(({ errorId = "", originalId = "" }) => {
    const place = `{'f': ${file}, 'r': ${row}, 'v': left(${quoteIdentifier(originalId)}, 200)}`;
    return `to_json(arg_min(${place}, ${row}, ${TOLD}) FILTER (WHERE ${quoteIdentifier(errorId)}))::VARCHAR`;
  });
  if (lists.length === 0) return [];
  const result = await scope.run(`${ctes}\nSELECT ${lists.join(",\n  ")}\nFROM ${from}`, signal);
  const [texts = []] = await result.getRows();
  const found = failing.map((_, at) => JSON.parse(String(texts[at] ?? "[]")) as Found[]);
  const places = await placesOf(found.flat(), options);
  return failing.map(({ name }, at) => ({
    column: name,
    count: counts.get(name) ?? 0,
    first: (found[at] ?? []).flatMap((one) => places.get(one) ?? []),
  }));
}

async function throwWithPlace(error: AmlError, options: FindOptions): Promise<void> {
  const { scope, signal } = options;
  const { ctes, from, columns, file, row } = compileWithPlaces(options);
  const failing = columns.filter(({ errorId }) => errorId !== undefined);
  if (failing.length === 0) return;
  const errors = failing.map(({ errorId = "" }) => quoteIdentifier(errorId));
  const cases = failing.map(
    ({ originalId = "" }, at) => `WHEN ${errors[at]} THEN ${quoteIdentifier(originalId)}`,
  );
  const names = failing.map(({ name }, at) => `WHEN ${errors[at]} THEN ${quoteText(name)}`);
  const result = await scope.run(
    `${ctes}\nSELECT ${file}, ${row}, left(CASE ${cases.join(" ")} END, 200), CASE ${names.join(" ")} END\n` +
      `FROM ${from} WHERE ${errors.join(" OR ")} LIMIT 1`,
    signal,
  );
  const [first] = await result.getRows();
  if (first === undefined) return;
  const [f, r, v, name] = first;
  const found: Found = { f: Number(f), r: Number(r), v: String(v) };
  const place = (await placesOf([found], options)).get(found);
  if (place === undefined) return;
  throw new AmlError(
    "parse_failed",
    `${place.uri}, row ${place.row}: A value of column ${String(name)} cannot be converted: ${JSON.stringify(place.value)}.`,
    {
      ...(error.hint ? { hint: error.hint } : {}),
      context: { ...place, column: String(name) },
      cause: error,
    },
  );
}

interface WithPlaces extends CompiledPlan {
  readonly file: string;
  readonly row: string;
}

function compileWithPlaces({ plan, inspected, compile }: FindOptions): WithPlaces {
  const compiled = compilePlan(plan, inspected, { ...compile, onError: "null", places: true });
  const ids = compiled.places.map(({ id }) => quoteIdentifier(id));
  // Rows of a database have no file.
  const [file = "0", row = "0"] = ids.length < 2 ? ["0", ...ids] : ids;
  return { ...compiled, file, row };
}

/** Rows of all files together as rows of each file. */
async function placesOf(
  found: readonly Found[],
  options: FindOptions,
): Promise<ReadonlyMap<Found, ValuePlace>> {
  const { plan, inspected } = options;
  const { source } = plan;
  const uris = source.from === "query" ? [`azureml://datastores/${source.datastore}`] : inspected.uris;
  const starts = uris.length > 1 ? await startsOf(new Set(found.map(({ f }) => f)), options) : new Map();
  return new Map(
    found.map((one) => {
      const row = one.r - (starts.get(one.f) ?? 0) + 1;
      return [one, { uri: uris[one.f] ?? "", row, value: one.v }];
    }),
  );
}

/** The first row of each file. */
async function startsOf(files: ReadonlySet<number>, options: FindOptions): Promise<Map<number, number>> {
  if (files.size === 0) return new Map();
  const { plan, scope, signal } = options;
  const steps = plan.steps.slice(0, plan.steps.findIndex(({ op }) => op.startsWith("read_")) + 1);
  const { ctes, from, file, row } = compileWithPlaces({ ...options, plan: { ...plan, steps } });
  const result = await scope.run(
    `${ctes}\nSELECT ${file}, min(${row}) FROM ${from} WHERE ${file} IN (${[...files].join(", ")}) GROUP BY ALL`,
    signal,
  );
  return new Map((await result.getRows()).map(([of, first]) => [Number(of), Number(first)]));
}

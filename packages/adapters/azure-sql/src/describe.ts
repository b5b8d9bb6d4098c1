import type { BoundStatement } from "@aml/core/sql";
import { unreadable, type ColumnPlan } from "./columns.ts";
import type { Parameter } from "./encode-parameter.ts";
import type { Session } from "./session.ts";

/** What shall be run, and what is known of its columns. */
export interface RunPlan {
  readonly text: string;
  readonly parameters: readonly (readonly [name: string, parameter: Parameter])[];
  /** Unknown where the server cannot tell before it runs the statement. */
  readonly columns: readonly ColumnPlan[] | undefined;
}

/** A double holds so many digits of a decimal. */
const EXACT_DIGITS = 15;
/** "The metadata could not be determined because …", for statements that nevertheless run. */
const UNDETERMINED = new Set([
  11_509, 11_510, 11_511, 11_512, 11_513, 11_514, 11_515, 11_516, 11_517, 11_518, 11_519, 11_520, 11_521,
  11_522, 11_523, 11_524, 11_525, 11_526, 11_527, 11_528,
]);

interface Described {
  readonly name: string;
  readonly type: string | undefined;
  readonly user: string;
  readonly precision: number;
  readonly collation: string | undefined;
}

/**
 * Asks the server which columns a statement has, and has wide decimals sent as text: the driver makes doubles of them.
 * The server converts (`WITH RESULT SETS`); the statement itself stays as it was given.
 *
 * @see https://learn.microsoft.com/sql/relational-databases/system-stored-procedures/sp-describe-first-result-set-transact-sql – read 2026-11
 * @see https://learn.microsoft.com/sql/t-sql/language-elements/execute-transact-sql – WITH RESULT SETS, read 2026-11
 * @throws what the server finds wrong with the statement; `unsupported` for a type that cannot be read.
 */
export async function planRun(
  session: Session,
  bound: BoundStatement,
  values: readonly Parameter[],
): Promise<RunPlan> {
  const parameters = values.map((parameter, at) => [`p${at + 1}`, parameter] as const);
  const declarations = parameters.map(([name, { declaration }]) => `@${name} ${declaration}`).join(", ");
  const described = await describe(session, bound, declarations);
  if (described === undefined) return { text: bound.text, parameters, columns: undefined };
  const columns = described.map(({ name, type, user, precision }): ColumnPlan => {
    if (type === undefined || type === "sql_variant") throw unreadable(name, type ?? user);
    const decimalAsText = /^(decimal|numeric)\b/.test(type) && precision > EXACT_DIGITS;
    return { name, nativeType: type, decimalAsText };
  });
  if (!columns.some(({ decimalAsText }) => decimalAsText)) return { text: bound.text, parameters, columns };
  return { ...asText(session, bound, declarations, parameters, described), columns };
}

async function describe(
  session: Session,
  bound: BoundStatement,
  declarations: string,
): Promise<readonly Described[] | undefined> {
  try {
    const rows = await session.call(
      "sp_describe_first_result_set",
      [
        ["tsql", session.textParameter(bound.text)],
        ["params", session.textParameter(declarations === "" ? null : declarations)],
      ],
      bound,
    );
    return rows
      .filter(({ is_hidden }) => is_hidden !== true)
      .map((row) => ({
        name: textOf(row["name"]) ?? "",
        type: textOf(row["system_type_name"]),
        user: textOf(row["user_type_name"]) ?? "type of its own",
        precision: Number(row["precision"] ?? 0),
        collation: textOf(row["collation_name"]),
      }));
  } catch (error) {
    if (UNDETERMINED.has(numberOf(error))) return undefined;
    throw error;
  }
}

function asText(
  session: Session,
  bound: BoundStatement,
  declarations: string,
  parameters: RunPlan["parameters"],
  described: readonly Described[],
): Pick<RunPlan, "text" | "parameters"> {
  const definitions = described.map(({ type = "", precision, collation }, at) => {
    const wide = /^(decimal|numeric)\b/.test(type) && precision > EXACT_DIGITS;
    // The text of a column in another collation must not go through the database's own code page.
    const collate = collation !== undefined && /^\w+$/.test(collation) ? ` COLLATE ${collation}` : "";
    return `[c${at + 1}] ${wide ? "varchar(41)" : (SENT_AS[type] ?? type) + collate} NULL`;
  });
  const passed = parameters.map(([name]) => `, @${name} = @${name}`).join("");
  const declared = declarations === "" ? "" : ", @aml_parameters";
  return {
    text: `EXEC sys.sp_executesql @aml_statement${declared}${passed} WITH RESULT SETS ((${definitions.join(", ")}))`,
    parameters: [
      ["aml_statement", session.textParameter(bound.text)],
      ...(declarations === "" ? [] : [["aml_parameters", session.textParameter(declarations)] as const]),
      ...parameters,
    ],
  };
}

/** Types that WITH RESULT SETS does not take, or that reach this driver as another one. */
const SENT_AS: Readonly<Record<string, string>> = {
  timestamp: "binary(8)",
  json: "nvarchar(max)",
};

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function numberOf(error: unknown): number {
  const { context } = error as { readonly context?: Readonly<Record<string, unknown>> };
  return Number(context?.["number"]);
}

/** Exit codes, by the class of `AmlErrorCode`. Stable. */
export const EXIT_CODES: readonly {
  readonly exitCode: number;
  readonly meaning: string;
  readonly codes: readonly string[];
}[] = [
  { exitCode: 0, meaning: "done", codes: [] },
  { exitCode: 1, meaning: "a bug, ours or a service's", codes: ["internal"] },
  {
    exitCode: 2,
    meaning: "fix the command, the configuration or the recipe",
    codes: ["config_invalid", "path_invalid", "plan_invalid", "unsupported"],
  },
  { exitCode: 3, meaning: "fix the sign-in or the rights", codes: ["auth_failed", "permission_denied"] },
  {
    exitCode: 4,
    meaning: "it is not there, is there already, or has changed",
    codes: ["not_found", "already_exists", "precondition_failed", "range_not_satisfiable"],
  },
  {
    exitCode: 5,
    meaning: "the data is not what it should be",
    codes: ["parse_failed", "schema_mismatch", "query_failed", "mount_failed"],
  },
  { exitCode: 6, meaning: "try again later", codes: ["rate_limited", "unavailable", "timeout"] },
  { exitCode: 7, meaning: "the disk or the memory is full", codes: ["resource_exhausted"] },
  { exitCode: 130, meaning: "interrupted with Ctrl-C", codes: [] },
];

/** The exit code of an error code; 1 for one that is unknown. */
export function exitCodeOf(code: string): number {
  return EXIT_CODES.find((entry) => entry.codes.includes(code))?.exitCode ?? 1;
}

/** The table that `aml help exit-codes` prints. */
export function exitCodesText(): string {
  const lines = EXIT_CODES.map(
    ({ exitCode, meaning, codes }) =>
      `  ${String(exitCode).padStart(3)}  ${meaning}${codes.length > 0 ? `\n       (${codes.join(", ")})` : ""}`,
  );
  return `Exit codes, and the error codes behind them:\n\n${lines.join("\n")}\n`;
}

/** What Hive and Spark name the folder of null. */
const NULL_NAME = "__HIVE_DEFAULT_PARTITION__";
/** What Hive escapes, and what ends a value of a partition format or is no part of names on Windows. */
const ESCAPED: ReadonlySet<string> = new Set("\"#%'*/:=?\\{}[]^<>|.\x7f");

/** A value as Hive and Spark write it in the name of a folder. */
export function escapeHive(value: string | null): string {
  if (value === null) return NULL_NAME;
  const escaped = Array.from(value, (sign) => (sign < " " || ESCAPED.has(sign) ? percent(sign) : sign)).join(
    "",
  );
  // Spaces at the ends are lost in some stores.
  const whole = escaped.replace(/^ | $/g, "%20");
  return whole === NULL_NAME ? whole.replace("_", "%5F") : whole;
}

/** The value that Hive, Spark and pyarrow mean by the name of a folder: the last escapes letters of UTF-8 as well. */
export function unescapeHive(name: string): string | null {
  return name === NULL_NAME ? null : name.replace(/(?:%[\da-f]{2})+/gi, unescapeRun);
}

function unescapeRun(run: string): string {
  try {
    return decodeURIComponent(run);
  } catch {
    // No UTF-8: what is ASCII in it counts.
    return run.replace(/%[0-7][\da-f]/gi, decodeURIComponent);
  }
}

const percent = (sign: string): string =>
  `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`;

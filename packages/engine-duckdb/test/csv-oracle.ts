/** How MLTable splits delimited text, one character after another: slow, and written without regard to src. */
export interface OracleOptions {
  readonly delimiter: string;
  readonly multiLine: boolean;
}

/** The records, with null where not even quotes stand, or undefined for text that has to be refused. */
export function splitRecords(
  text: string,
  { delimiter, multiLine }: OracleOptions,
): (string | null)[][] | undefined {
  const records: (string | null)[][] = [];
  let record: (string | null)[] = [];
  let field = "";
  let state: "start" | "bare" | "quoted" | "closed" = "start";
  const endField = (): void => {
    record.push(state === "start" ? null : field);
    field = "";
    state = "start";
  };
  const endRecord = (blank: boolean): void => {
    if (!blank) {
      endField();
      records.push(record);
    }
    record = [];
    field = "";
    state = "start";
  };
  let at = text.startsWith("\ufeff") ? 1 : 0;
  while (at < text.length) {
    const char = text[at] ?? "";
    const lineBreak = char === "\n" || char === "\r";
    if (lineBreak && !(state === "quoted" && multiLine)) {
      endRecord(state === "start" && record.length === 0);
      at += char === "\r" && text[at + 1] === "\n" ? 2 : 1;
    } else if (state === "quoted") {
      if (char !== '"') field += char;
      else if (text[at + 1] === '"') {
        field += '"';
        at += 1;
      } else state = "closed";
      at += 1;
    } else if (text.startsWith(delimiter, at)) {
      endField();
      at += delimiter.length;
    } else if (state === "closed") return undefined;
    else {
      if (char === '"' && state === "start") state = "quoted";
      else {
        field += char;
        state = "bare";
      }
      at += 1;
    }
  }
  if (state === "quoted" && multiLine) return undefined;
  endRecord(state === "start" && record.length === 0);
  return records;
}

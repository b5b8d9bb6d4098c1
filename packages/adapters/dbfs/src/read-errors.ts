import { AmlError, type StorePath } from "@aml/core/adapter";

export function pastEnd(path: StorePath, offset: number, size: number | undefined): AmlError {
  return new AmlError(
    "range_not_satisfiable",
    `Offset ${offset} is past the end of file '${path}'${size === undefined ? "" : `, which has ${size} bytes`}.`,
    { operation: "read", hint: "Look up its size first.", context: { path, offset, size } },
  );
}

export function isFolder(path: StorePath): AmlError {
  return new AmlError("not_found", `There is no file '${path}': it is a folder.`, {
    operation: "read",
    hint: "List it, and read the files in it.",
    context: { path },
  });
}

export function emptyBody(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}

/** Without etags, nothing matches. @throws `precondition_failed`, as HTTP has it for what has none. */
export function refuseIfMatch(operation: "read" | "write", ifMatch: string | undefined): void {
  if (ifMatch === undefined) return;
  throw new AmlError("precondition_failed", "Databricks keeps no etags that ifMatch could match.", {
    operation,
    hint: "Leave ifMatch out; ifNoneMatch works for writes.",
  });
}

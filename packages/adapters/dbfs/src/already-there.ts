import { AmlError, type StorePath } from "@aml/core/adapter";

export function alreadyThere(path: StorePath): AmlError {
  return new AmlError("already_exists", `File or folder '${path}' exists already.`, {
    operation: "write",
    hint: "Choose another path, or allow the file to be overwritten.",
    context: { path },
  });
}

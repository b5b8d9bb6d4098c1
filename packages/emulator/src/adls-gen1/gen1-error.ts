import { FileTreeError } from "../file-tree/file-tree-error.ts";

/** A refusal in WebHDFS's form. */
export class Gen1Error extends Error {
  readonly status: number;
  readonly exception: string;
  readonly javaClassName: string;

  constructor(status: number, exception: string, message: string, javaPackage = "org.apache.hadoop.fs") {
    super(message);
    this.status = status;
    this.exception = exception;
    this.javaClassName = `${javaPackage}.${exception}`;
  }
}

export function noFile(path: string): Gen1Error {
  return new Gen1Error(404, "FileNotFoundException", `File/Folder does not exist: /${path}`, "java.io");
}

export function noFolder(path: string): Gen1Error {
  return new Gen1Error(404, "FileNotFoundException", `Folder does not exist: /${path}`, "java.io");
}

export function alreadyThere(path: string): Gen1Error {
  return new Gen1Error(403, "FileAlreadyExistsException", `File/Folder already exists: /${path}`);
}

export function illegal(message: string): Gen1Error {
  return new Gen1Error(400, "IllegalArgumentException", message, "java.lang");
}

/** What the file tree refuses, in the service's words. */
export function toGen1Error(error: unknown): unknown {
  if (!(error instanceof FileTreeError)) return error;
  switch (error.code) {
    case "not_found":
    case "parent_not_found":
      return noFile(error.path);
    case "exists":
    case "not_a_file":
      return alreadyThere(error.path);
    case "not_a_directory":
      return new Gen1Error(403, "ParentNotDirectoryException", `Parent is not a directory: /${error.path}`);
    case "not_empty":
      return new Gen1Error(403, "PathIsNotEmptyDirectoryException", `Folder is not empty: /${error.path}`);
    default:
      return illegal(`The path is not valid: /${error.path}`);
  }
}

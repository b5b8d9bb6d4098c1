import { describe, expect, test } from "vitest";
import { AmlError } from "@aml/core";
import { REASONS, toAmlError } from "../src/errors.ts";

const codes: Readonly<Record<string, string>> = {
  ENOENT: "not_found",
  ENOTDIR: "not_found",
  EISDIR: "already_exists",
  EEXIST: "already_exists",
  ENOTEMPTY: "precondition_failed",
  EACCES: "permission_denied",
  EPERM: "permission_denied",
  EROFS: "permission_denied",
  ELOOP: "path_invalid",
  ENAMETOOLONG: "path_invalid",
  EINVAL: "path_invalid",
  EILSEQ: "path_invalid",
  ERR_INVALID_ARG_VALUE: "path_invalid",
  ENOSPC: "resource_exhausted",
  EDQUOT: "resource_exhausted",
  EFBIG: "resource_exhausted",
  ENOMEM: "resource_exhausted",
  EMFILE: "unavailable",
  ENFILE: "unavailable",
  EBUSY: "unavailable",
  EAGAIN: "unavailable",
  ETXTBSY: "unavailable",
  EIO: "unavailable",
  ESTALE: "unavailable",
  ETIMEDOUT: "timeout",
  EXDEV: "unsupported",
};

describe("the file system's errors", () => {
  test("are all in this list", () => expect(Object.keys(REASONS).sort()).toEqual(Object.keys(codes).sort()));

  test.each(Object.entries(codes))("%s is %s", (errno, code) => {
    const error = toAmlError(
      Object.assign(new Error(`${errno}: x`), { code: errno }),
      "read",
      "folder/a.txt",
    );
    expect(error).toMatchObject({ code, operation: "read", context: { path: "folder/a.txt", errno } });
    expect(error.message).toMatch(/^"folder\/a.txt" .+\.$/);
  });

  test("another is internal, and an AmlError stays what it is", () => {
    expect(toAmlError(Object.assign(new Error("x"), { code: "EWHAT" }), "read", "a")).toMatchObject({
      code: "internal",
      context: { errno: "EWHAT" },
    });
    expect(toAmlError("text", "read", "a")).toMatchObject({ code: "internal" });
    const own = new AmlError("timeout", "Mine.");
    expect(toAmlError(own, "read", "a")).toBe(own);
  });
});

import { describe, expect, test } from "vitest";
import { networkError, retryAfterMs, statusError, STATUSES } from "../src/errors.ts";

const codes: Readonly<Record<number, string>> = {
  401: "auth_failed",
  403: "permission_denied",
  404: "not_found",
  405: "unsupported",
  408: "timeout",
  410: "not_found",
  412: "precondition_failed",
  414: "path_invalid",
  416: "range_not_satisfiable",
  423: "unavailable",
  425: "unavailable",
  429: "rate_limited",
  451: "permission_denied",
  500: "unavailable",
  501: "unsupported",
  502: "unavailable",
  503: "unavailable",
  504: "timeout",
  507: "resource_exhausted",
};

describe("statuses", () => {
  test("are all in this list", () => expect(Object.keys(STATUSES).sort()).toEqual(Object.keys(codes).sort()));

  test.each(Object.entries(codes))("%s is %s", (status, code) => {
    const error = statusError(new Response(null, { status: Number(status) }), "read", "a.txt");
    expect(error).toMatchObject({
      code,
      operation: "read",
      context: { path: "a.txt", status: Number(status) },
    });
  });

  test("another is internal", () => {
    expect(statusError(new Response(null, { status: 418 }), "stat", "a").code).toBe("internal");
  });
});

describe("Retry-After", () => {
  const now = (): number => Date.parse("2026-11-20T08:00:00Z");
  const at = "Fri, 20 Nov 2026 08:00:30 GMT";

  test.each([
    [{ "retry-after": "120" }, 120_000],
    [{ "retry-after": "0" }, 0],
    [{ "retry-after": at }, 30_000],
    [{ "retry-after": at, date: "Fri, 20 Nov 2026 08:00:20 GMT" }, 10_000],
    [{ "retry-after": "Fri, 20 Nov 2026 07:00:00 GMT" }, 0],
    [{ "retry-after": "soon" }, undefined],
    [{}, undefined],
  ])("%j is %s ms", (headers, expected) => {
    expect(retryAfterMs(new Headers(headers as Record<string, string>), now)).toBe(expected);
  });
});

describe("connections", () => {
  test("that fail are unavailable; a bad certificate is auth_failed", () => {
    const failed = (code: string): Error =>
      new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code }) });
    expect(networkError(failed("ENOTFOUND"), "read", "a")).toMatchObject({
      code: "unavailable",
      context: { reason: "ENOTFOUND" },
    });
    expect(networkError(failed("DEPTH_ZERO_SELF_SIGNED_CERT"), "read", "a").code).toBe("auth_failed");
    expect(networkError(failed("CERT_HAS_EXPIRED"), "read", "a").code).toBe("auth_failed");
  });
});

import { networkFailure, readStorageFailure } from "@aml/azure-auth";
import { describe, expect, test } from "vitest";

const host = { account: "contoso", host: "contoso.blob.core.windows.net" };

describe("readStorageFailure", () => {
  test("takes the service's code from the body, or of a HEAD from the header", () => {
    const headers = new Map([
      ["x-ms-error-code", "FromHeader"],
      ["x-ms-request-id", "r-1"],
      ["retry-after", "3"],
    ]);
    const error = { message: "Said this.\nRequestId:r-1", statusCode: 503, response: { headers } };
    expect(readStorageFailure(error)).toEqual({
      code: "FromHeader",
      status: 503,
      said: "Said this",
      requestId: "r-1",
      retryAfterMs: 3000,
    });
    expect(readStorageFailure({ ...error, code: "FromBody" }).code).toBe("FromBody");
  });

  test("takes whatever was thrown", () => {
    expect(readStorageFailure("odd")).toMatchObject({ code: undefined, status: undefined, said: "odd" });
    expect(readStorageFailure(undefined)).toMatchObject({ said: "undefined" });
  });
});

describe("networkFailure", () => {
  const of = (code: string | undefined, said = "words", status?: number) =>
    networkFailure({ code, said, status, requestId: undefined, retryAfterMs: undefined }, host);

  test.each([
    ["ENOTFOUND", "unavailable", "There is no host contoso.blob.core.windows.net."],
    ["EAI_NONAME", "unavailable", "There is no host contoso.blob.core.windows.net."],
    ["SELF_SIGNED_CERT_IN_CHAIN", "unavailable", /^No trusted TLS connection to contoso.+: words\.$/],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "unavailable", /^No trusted TLS connection/],
    ["ECONNREFUSED", "unavailable", "Nothing listens at contoso.blob.core.windows.net."],
    ["ETIMEDOUT", "timeout", "contoso.blob.core.windows.net did not answer in time."],
    ["UND_ERR_CONNECT_TIMEOUT", "timeout", /did not answer/],
    ["ECONNRESET", "unavailable", /^The connection to contoso.+ failed: words\.$/],
    ["REQUEST_SEND_ERROR", "unavailable", /^The connection to contoso/],
  ])("%s", (code, reason, what) => {
    expect(of(code)).toMatchObject({
      code: reason,
      what: expect.stringMatching(what),
      hint: expect.stringMatching(/\w/),
    });
  });

  test("a token that would go without TLS", () => {
    const said = "Bearer token authentication is not permitted for non-TLS protected (non-https) URLs";
    expect(of(undefined, said)).toMatchObject({
      code: "config_invalid",
      hint: expect.stringContaining("https"),
    });
  });

  test("an answer that cannot be read was cut off; its text is not repeated", () => {
    const failure = of("PARSE_ERROR", "<?xml version", 200);
    expect(failure?.code).toBe("unavailable");
    expect(failure?.what).not.toContain("xml");
  });

  test("an answer of the service is no matter of the network", () => {
    expect(of("AuthenticationFailed", "words", 403)).toBeUndefined();
    expect(of("PARSE_ERROR", "words", 403)).toBeUndefined();
    expect(of(undefined)).toBeUndefined();
  });
});

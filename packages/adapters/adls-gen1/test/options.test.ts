import { adlsGen1 } from "@aml/adls-gen1";
import { describe, expect, test } from "vitest";

const { parseOptions, locate, open } = adlsGen1;
const credential = { kind: "identity" } as const;

describe("parseOptions", () => {
  test("keeps what is given", () => {
    expect(parseOptions({ storeName: "contoso" })).toEqual({ storeName: "contoso" });
    expect(parseOptions({ storeName: "contoso", endpoint: "example.net" })).toEqual({
      storeName: "contoso",
      endpoint: "example.net",
    });
  });

  test.each([
    [null, /not an object/],
    [{}, /storeName is missing/],
    [{ storeName: 7 }, /storeName is not a string/],
    [{ storeName: "contoso.azuredatalakestore.net" }, /storeName is no name/],
    [{ storeName: "contoso", store_name: "x" }, /no option "store_name"/],
    [{ storeName: "contoso", endpoint: "a/b" }, /endpoint is no host name/],
    [{ storeName: "contoso", endpoint: "https://u:canary@h" }, /endpoint is not a plain address/],
    [{ storeName: "contoso", endpoint: "https://h/webhdfs" }, /endpoint is not a plain address/],
    [{ storeName: "contoso", endpoint: "http://example.com" }, /without TLS/],
  ])("refuses %j", (input, message) => {
    let error: unknown;
    try {
      parseOptions(input);
    } catch (caught) {
      error = caught;
    }
    expect(error).toMatchObject({
      code: "config_invalid",
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/\w/),
    });
    expect(JSON.stringify(error)).not.toContain("canary");
  });
});

describe("locate", () => {
  test.each([
    ["adl://contoso.azuredatalakestore.net/a/b%20c", { storeName: "contoso" }, "a/b%20c"],
    ["adl://contoso.azuredatalakestore.net/", { storeName: "contoso" }, ""],
    ["ADL://contoso.example.net/*.csv", { storeName: "contoso", endpoint: "example.net" }, "*.csv"],
  ])("%s", (uri, options, path) => {
    expect(locate?.(uri)).toEqual({ options, path });
  });

  test("leaves other URIs alone", () => {
    for (const uri of [
      "https://contoso.azuredatalakestore.net/x",
      "abfss://f@contoso.dfs.core.windows.net/x",
      "a.txt",
    ])
      expect(locate?.(uri)).toBeUndefined();
  });
});

test("the store's own URI and endpoint", () => {
  const options = parseOptions({ storeName: "contoso" });
  expect(open({ options, credential }).uri).toBe("adl://contoso.azuredatalakestore.net");
  expect(adlsGen1.endpoint?.(options)).toEqual({
    host: "contoso.azuredatalakestore.net",
    port: 443,
    tls: "direct",
    url: "https://contoso.azuredatalakestore.net/",
  });
});

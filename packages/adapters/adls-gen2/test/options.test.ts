import { adlsGen2 } from "@aml/adls-gen2";
import { describe, expect, test } from "vitest";

const { parseOptions, locate } = adlsGen2;
const base = { accountName: "contoso", filesystem: "trips" };

describe("parseOptions", () => {
  test("keeps what is given", () => {
    expect(parseOptions({ ...base, endpoint: "core.chinacloudapi.cn", protocol: "abfss" })).toEqual({
      ...base,
      endpoint: "core.chinacloudapi.cn",
      protocol: "abfss",
    });
    expect(parseOptions(base)).toEqual(base);
  });

  test.each([
    [{ ...base, acountName: "x" }, /no option "acountName"/],
    [{ filesystem: "trips" }, /accountName is missing/],
    [{ accountName: "contoso" }, /filesystem is missing/],
    [{ ...base, accountName: 7 }, /accountName is not a string/],
    [{ ...base, accountName: "contoso.dfs.core.windows.net" }, /accountName is no name/],
    [{ ...base, accountName: "evil.example/" }, /accountName is no name/],
    [{ ...base, filesystem: "a/b" }, /filesystem is no name/],
    [{ ...base, filesystem: ".." }, /filesystem is no name/],
    [{ ...base, protocol: "http" }, /protocol is "http"/],
    [{ ...base, endpoint: "core.windows.net/x" }, /endpoint is no host name/],
    [{ ...base, endpoint: "https://user:pw@host" }, /endpoint is not a plain URL/],
    [{ ...base, endpoint: "https://host/?sv=1&sig=canary" }, /endpoint is not a plain URL/],
    [null, /not an object/],
    ["trips", /not an object/],
  ])("refuses %j", (input, message) => {
    expect(() => parseOptions(input)).toThrow(message);
    try {
      parseOptions(input);
    } catch (error) {
      expect(error).toMatchObject({ code: "config_invalid", hint: expect.stringMatching(/\w/) });
      expect(JSON.stringify(error)).not.toMatch(/canary|:pw@/);
    }
  });

  test("an unknown option hints at the known ones", () => {
    expect(() => parseOptions({ ...base, container: "x" })).toThrow(
      expect.objectContaining({ hint: expect.stringContaining("accountName, filesystem, endpoint") }),
    );
  });
});

describe("locate", () => {
  test.each([
    ["https://contoso.dfs.core.windows.net/trips/2025/a%20b.csv", base, "2025/a b.csv"],
    ["https://contoso.dfs.core.windows.net/trips", base, ""],
    [
      "https://contoso.dfs.core.usgovcloudapi.net/trips/x",
      { ...base, endpoint: "core.usgovcloudapi.net" },
      "x",
    ],
    ["abfss://trips@contoso.dfs.core.windows.net/x/y.csv", { ...base, protocol: "abfss" }, "x/y.csv"],
    ["abfss://trips@contoso.dfs.core.windows.net/x/*.csv", { ...base, protocol: "abfss" }, "x/*.csv"],
    ["abfs://trips@contoso.dfs.core.windows.net/", { ...base, protocol: "abfss" }, ""],
  ])("%s", (uri, options, path) => {
    expect(locate?.(uri)).toEqual({ options, path });
  });

  test.each([
    "https://contoso.blob.core.windows.net/trips/a",
    "https://contoso.file.core.windows.net/trips/a",
    "https://example.com/trips/a",
    "wasbs://fs@contoso.blob.core.windows.net/x",
    "file:///tmp/x",
    "azureml://datastores/d/paths/x",
  ])("%s is somebody else's", (uri) => {
    expect(locate?.(uri)).toBeUndefined();
  });

  test("a SAS in a URI is refused and not repeated", () => {
    const uri = "https://contoso.dfs.core.windows.net/trips/a?sv=1&sig=canary77";
    expect(() => locate?.(uri)).toThrow(expect.objectContaining({ code: "path_invalid" }));
    expect(() => locate?.(uri)).not.toThrow(/canary77/);
  });

  test("an URI without a host is refused", () => {
    expect(() => locate?.("abfss://trips/x")).toThrow(expect.objectContaining({ code: "path_invalid" }));
  });
});

test("the store's URI follows protocol and endpoint and holds no secret; so does its endpoint", () => {
  const uri = (more: object): string =>
    adlsGen2.open({ options: { ...base, ...more }, credential: { kind: "identity" } }).uri;
  expect(uri({})).toBe("https://contoso.dfs.core.windows.net/trips");
  expect(uri({ protocol: "abfss" })).toBe("abfss://trips@contoso.dfs.core.windows.net");
  expect(uri({ endpoint: "http://127.0.0.1:10004/contoso/" })).toBe("http://127.0.0.1:10004/contoso/trips");
  expect(adlsGen2.endpoint?.(base)).toMatchObject({
    host: "contoso.dfs.core.windows.net",
    port: 443,
    tls: "direct",
  });
});

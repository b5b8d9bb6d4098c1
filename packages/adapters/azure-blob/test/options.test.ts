import { azureBlob } from "@aml/azure-blob";
import { describe, expect, test } from "vitest";

const { parseOptions, locate } = azureBlob;
const base = { accountName: "contoso", containerName: "trips" };

describe("parseOptions", () => {
  test("keeps what is given", () => {
    expect(parseOptions({ ...base, endpoint: "core.chinacloudapi.cn", protocol: "wasbs" })).toEqual({
      ...base,
      endpoint: "core.chinacloudapi.cn",
      protocol: "wasbs",
    });
    expect(parseOptions(base)).toEqual(base);
  });

  test.each([
    [{ ...base, acountName: "x" }, /no option "acountName"/],
    [{ containerName: "trips" }, /accountName is missing/],
    [{ accountName: "contoso" }, /containerName is missing/],
    [{ ...base, accountName: 7 }, /accountName is not a string/],
    [{ ...base, accountName: "contoso.blob.core.windows.net" }, /accountName is no name/],
    [{ ...base, accountName: "evil.example/" }, /accountName is no name/],
    [{ ...base, containerName: "a/b" }, /containerName is no name/],
    [{ ...base, containerName: ".." }, /containerName is no name/],
    [{ ...base, protocol: "http" }, /protocol is "http"/],
    [{ ...base, endpoint: "core.windows.net/x" }, /endpoint is no host name/],
    [{ ...base, endpoint: "https://user:pw@host" }, /endpoint is not a plain URL/],
    [{ ...base, endpoint: "https://host/?sv=1&sig=canary" }, /endpoint is not a plain URL/],
    [{ ...base, snapshot: "a", versionId: "b" }, /exclude each other/],
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
      expect.objectContaining({ hint: expect.stringContaining("accountName, containerName, endpoint") }),
    );
  });
});

describe("locate", () => {
  test.each([
    ["https://contoso.blob.core.windows.net/trips/2025/a%20b.csv", base, "2025/a b.csv"],
    ["https://contoso.blob.core.windows.net/trips", base, ""],
    [
      "https://contoso.blob.core.usgovcloudapi.net/trips/x",
      { ...base, endpoint: "core.usgovcloudapi.net" },
      "x",
    ],
    ["wasbs://trips@contoso.blob.core.windows.net/x/y.csv", { ...base, protocol: "wasbs" }, "x/y.csv"],
    ["wasb://contoso.blob.core.windows.net/trips/x/y.csv", { ...base, protocol: "wasbs" }, "x/y.csv"],
    [
      "https://contoso.blob.core.windows.net/trips/a.csv?snapshot=2026-01-02T03:04:05.0000000Z",
      { ...base, snapshot: "2026-01-02T03:04:05.0000000Z" },
      "a.csv",
    ],
    [
      "https://contoso.blob.core.windows.net/trips/a.csv?versionid=2026-01-02T03:04:05.0000000Z",
      { ...base, versionId: "2026-01-02T03:04:05.0000000Z" },
      "a.csv",
    ],
  ])("%s", (uri, options, path) => {
    expect(locate?.(uri)).toEqual({ options, path });
  });

  test.each([
    "https://contoso.dfs.core.windows.net/trips/a",
    "https://contoso.file.core.windows.net/trips/a",
    "https://example.com/trips/a",
    "abfss://fs@contoso.dfs.core.windows.net/x",
    "file:///tmp/x",
    "azureml://datastores/d/paths/x",
  ])("%s is somebody else's", (uri) => {
    expect(locate?.(uri)).toBeUndefined();
  });

  test("a SAS in a URI is refused and not repeated", () => {
    const uri = "https://contoso.blob.core.windows.net/trips/a?sv=1&sig=canary77";
    expect(() => locate?.(uri)).toThrow(expect.objectContaining({ code: "path_invalid" }));
    expect(() => locate?.(uri)).not.toThrow(/canary77/);
  });
});

test("the store's URI follows protocol and endpoint and holds no secret", () => {
  const uri = (more: object): string =>
    azureBlob.open({ options: { ...base, ...more }, credential: { kind: "anonymous" } }).uri;
  expect(uri({})).toBe("https://contoso.blob.core.windows.net/trips");
  expect(uri({ protocol: "wasbs" })).toBe("wasbs://trips@contoso.blob.core.windows.net");
  expect(uri({ endpoint: "http://127.0.0.1:10000/contoso/" })).toBe("http://127.0.0.1:10000/contoso/trips");
});

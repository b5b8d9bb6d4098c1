import { azureFileShare } from "@aml/azure-file-share";
import { describe, expect, test } from "vitest";

const { parseOptions, locate } = azureFileShare;
const base = { accountName: "contoso", fileShareName: "trips" };

describe("parseOptions", () => {
  test("keeps what is given", () => {
    expect(parseOptions(base)).toEqual(base);
    const more = { ...base, endpoint: "core.chinacloudapi.cn", protocol: "https" };
    expect(parseOptions(more)).toEqual(more);
  });

  test.each([
    [{ ...base, shareName: "x" }, /no option "shareName"/],
    [{ fileShareName: "trips" }, /accountName is missing/],
    [{ accountName: "contoso" }, /fileShareName is missing/],
    [{ ...base, accountName: 7 }, /accountName is not a string/],
    [{ ...base, accountName: "contoso.file.core.windows.net" }, /accountName is no name/],
    [{ ...base, accountName: "evil.example/" }, /accountName is no name/],
    [{ ...base, fileShareName: "a/b" }, /fileShareName is no name/],
    [{ ...base, fileShareName: ".." }, /fileShareName is no name/],
    [{ ...base, protocol: "smb" }, /protocol is "smb"/],
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
});

describe("locate", () => {
  test.each([
    ["https://contoso.file.core.windows.net/trips/2025/a%20b.csv", base, "2025/a b.csv"],
    ["https://contoso.file.core.windows.net/trips", base, ""],
    ["https://contoso.file.core.windows.net/trips/**/*.csv", base, "**/*.csv"],
    [
      "https://contoso.file.core.usgovcloudapi.net/trips/x",
      { ...base, endpoint: "core.usgovcloudapi.net" },
      "x",
    ],
  ])("%s", (uri, options, path) => {
    expect(locate?.(uri)).toEqual({ options, path });
  });

  test.each([
    "https://contoso.blob.core.windows.net/trips/x",
    "https://contoso.dfs.core.windows.net/trips/x",
    "https://example.com/trips/x",
    "file:///trips/x",
    "wasbs://trips@contoso.blob.core.windows.net/x",
  ])("%s is another store's", (uri) => {
    expect(locate?.(uri)).toBeUndefined();
  });

  test("a SAS token in the URI is refused and not repeated", () => {
    const uri = "https://contoso.file.core.windows.net/trips/x?sv=2024-11-04&sig=canary";
    expect(() => locate?.(uri)).toThrow(expect.objectContaining({ code: "path_invalid" }));
    expect(() => locate?.(uri)).not.toThrow(/canary/);
  });
});

describe("the store's own URI and endpoint", () => {
  const open = (more: object) =>
    azureFileShare.open({ options: parseOptions({ ...base, ...more }), credential: { kind: "identity" } })
      .uri;

  test.each([
    [{}, "https://contoso.file.core.windows.net/trips"],
    [{ endpoint: "core.usgovcloudapi.net" }, "https://contoso.file.core.usgovcloudapi.net/trips"],
    [{ endpoint: "http://127.0.0.1:10003/contoso/" }, "http://127.0.0.1:10003/contoso/trips"],
  ])("%j", (more, uri) => {
    expect(open(more)).toBe(uri);
  });

  test("the endpoint is the account's host", () => {
    expect(azureFileShare.endpoint?.(parseOptions(base))).toEqual({
      host: "contoso.file.core.windows.net",
      port: 443,
      tls: "direct",
      url: "https://contoso.file.core.windows.net/",
    });
  });
});

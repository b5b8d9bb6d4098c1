import { dbfs } from "@aml/dbfs";
import { describe, expect, test } from "vitest";
import { token } from "./workspace.ts";

const { parseOptions, open } = dbfs;
const HOST = "adb-1234567890123456.7.azuredatabricks.net";

describe("parseOptions", () => {
  test("takes a host with and without https, and every form of root", () => {
    expect(parseOptions({ host: HOST })).toEqual({ host: HOST });
    expect(parseOptions({ host: `https://${HOST}/`, path: "dbfs:/mnt/x/" })).toEqual({
      host: `https://${HOST}`,
      path: "dbfs:/mnt/x/",
    });
    expect(parseOptions({ host: "http://127.0.0.1:8000" })).toEqual({ host: "http://127.0.0.1:8000" });
  });

  test.each([
    [undefined, `https://${HOST}/dbfs:`],
    ["dbfs:/", `https://${HOST}/dbfs:`],
    ["dbfs:/mnt//a b/", `https://${HOST}/dbfs:/mnt/a%20b`],
    ["/Volumes/main/default/data", `https://${HOST}/Volumes/main/default/data`],
    ["dbfs:/Volumes/main/default/data/x", `https://${HOST}/Volumes/main/default/data/x`],
  ])("the root %s is %s", (path, uri) => {
    expect(open({ options: parseOptions({ host: HOST, path }), credential: token }).uri).toBe(uri);
  });

  test.each([
    [null, /not an object/],
    [[], /not an object/],
    [{}, /host is missing/],
    [{ host: HOST, root: "dbfs:/" }, /no option "root"/],
    [{ host: 7 }, /host is not a string/],
    [{ host: "http://example.com" }, /without TLS/],
    [{ host: `https://${HOST}/?o=1` }, /no address of a workspace/],
    [{ host: `https://user:canary@${HOST}` }, /no address of a workspace/],
    [{ host: "not a host" }, /no address of a workspace/],
    [{ host: HOST, path: "mnt/x" }, /no root of a store/],
    [{ host: HOST, path: "/mnt/x" }, /lacks its scheme/],
    [{ host: HOST, path: "/dbfs/mnt/x" }, /lacks its scheme/],
    [{ host: HOST, path: "dbfs:/a/../b" }, /no root of a store/],
    [{ host: HOST, path: "dbfs:x" }, /no root of a store/],
    [{ host: HOST, path: "/Volumes/main/default" }, /names no volume/],
    [{ host: HOST, path: "abfss://c@a.dfs.core.windows.net/" }, /no root of a store/],
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

test("the endpoint is the workspace; a dbfs: URI names none, so nothing locates it", () => {
  expect(dbfs.endpoint?.({ host: HOST })).toEqual({
    host: HOST,
    port: 443,
    tls: "direct",
    url: `https://${HOST}/`,
  });
  expect(dbfs.locate).toBeUndefined();
});

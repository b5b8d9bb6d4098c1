import {
  formatUri,
  isAmlError,
  isUri,
  parseUri,
  resolvePatternUri,
  resolveUri,
  type ParsedUri,
} from "@aml/core";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyText } from "./any-text.ts";

const workspace = { subscriptionId: "s", resourceGroup: "r", workspaceName: "w" };
const arm = "subscriptions/s/resourceGroups/r/providers/Microsoft.MachineLearningServices/workspaces/w";
const azure = { account: "acct", endpoint: "core.windows.net" } as const;

function refusal(text: string): { message: string; all: string } {
  try {
    parseUri(text);
  } catch (error) {
    if (!isAmlError(error, "path_invalid")) throw error;
    return { message: error.message, all: JSON.stringify(error) + String(error.stack) };
  }
  throw new Error(`${text} was accepted`);
}

describe("parseUri", () => {
  test.each<[string, ParsedUri]>([
    [
      "azureml://datastores/workspaceblobstore/paths/example-data/titanic.csv",
      { kind: "datastore", datastore: "workspaceblobstore", path: "example-data/titanic.csv" },
    ],
    [
      "azureml://subscriptions/s/resourcegroups/r/workspaces/w/datastores/d/paths/a/b/",
      { kind: "datastore", workspace, datastore: "d", path: "a/b/" },
    ],
    ["azureml://datastores/d/paths/", { kind: "datastore", datastore: "d", path: "" }],
    ["azureml://datastores/d/paths", { kind: "datastore", datastore: "d", path: "" }],
    [
      "AzureML://Subscriptions/s/RESOURCEGROUPS/r/Workspaces/w/datastores/D/paths/A/b%20c",
      { kind: "datastore", workspace, datastore: "D", path: "A/b%20c" },
    ],
    [`azureml://${arm}/datastores/d/paths/x`, { kind: "datastore", workspace, datastore: "d", path: "x" }],
    ["AmlDatastore://d/a/b.csv", { kind: "datastore", datastore: "d", path: "a/b.csv" }],
    [
      "azureml://datastores/d/paths/a//b?/[x]*\n#",
      { kind: "datastore", datastore: "d", path: "a//b?/[x]*\n#" },
    ],
    ["azureml:my-data:3", { kind: "asset", name: "my-data", version: "3" }],
    ["azureml:my-data@latest", { kind: "asset", name: "my-data", label: "latest" }],
    ["azureml:my-data", { kind: "asset", name: "my-data" }],
    [`azureml:/${arm}/data/n/versions/7`, { kind: "asset", name: "n", version: "7", workspace }],
    [`azureml://${arm}/data/n/versions/7`, { kind: "asset", name: "n", version: "7", workspace }],
    [
      "azureml://subscriptions/s/resourcegroups/r/workspaces/w/data/n/labels/latest",
      { kind: "asset", name: "n", label: "latest", workspace },
    ],
    [
      "azureml://locations/westeurope/workspaces/id-1/data/n/versions/2",
      { kind: "asset", name: "n", version: "2", location: { region: "westeurope", workspaceId: "id-1" } },
    ],
    [
      "azureml://registries/azureml/data/n/versions/1",
      { kind: "registry_asset", registry: "azureml", name: "n", version: "1" },
    ],
    [
      "azureml://registries/azureml/data/n/labels/latest",
      { kind: "registry_asset", registry: "azureml", name: "n", label: "latest" },
    ],
    [
      "https://acct.blob.core.windows.net/data/x/y%20z.csv",
      { kind: "blob", scheme: "https", ...azure, container: "data", path: "x/y z.csv" },
    ],
    [
      "HTTPS://Acct.Blob.Core.Windows.Net/data/X",
      { kind: "blob", scheme: "https", ...azure, container: "data", path: "X" },
    ],
    [
      "https://acct.blob.core.windows.net:443/data/x",
      {
        kind: "blob",
        scheme: "https",
        account: "acct",
        endpoint: "core.windows.net:443",
        container: "data",
        path: "x",
      },
    ],
    [
      "https://acct.blob.core.usgovcloudapi.net/data",
      {
        kind: "blob",
        scheme: "https",
        account: "acct",
        endpoint: "core.usgovcloudapi.net",
        container: "data",
        path: "",
      },
    ],
    [
      "https://acct.blob.core.windows.net/c/a?snapshot=2025-01-31T00:00:00.0000000Z",
      {
        kind: "blob",
        scheme: "https",
        ...azure,
        container: "c",
        path: "a",
        snapshot: "2025-01-31T00:00:00.0000000Z",
      },
    ],
    [
      "https://acct.blob.core.windows.net/c/a?versionId=2025-01-31T00%3A00%3A00Z",
      {
        kind: "blob",
        scheme: "https",
        ...azure,
        container: "c",
        path: "a",
        versionId: "2025-01-31T00:00:00Z",
      },
    ],
    [
      "https://acct.blob.core.windows.net/c/2025-??/*.csv",
      { kind: "blob", scheme: "https", ...azure, container: "c", path: "2025-??/*.csv" },
    ],
    [
      "https://acct.blob.core.windows.net/c/100%25%3F%23.csv",
      { kind: "blob", scheme: "https", ...azure, container: "c", path: "100%?#.csv" },
    ],
    [
      "wasbs://data@acct.blob.core.windows.net/x/y.csv",
      { kind: "blob", scheme: "wasbs", ...azure, container: "data", path: "x/y.csv" },
    ],
    [
      "wasbs://acct.blob.core.windows.net/data/x/y.csv",
      { kind: "blob", scheme: "wasbs", ...azure, container: "data", path: "x/y.csv" },
    ],
    [
      "wasb://data@acct.blob.core.chinacloudapi.cn/a%20b",
      {
        kind: "blob",
        scheme: "wasb",
        account: "acct",
        endpoint: "core.chinacloudapi.cn",
        container: "data",
        path: "a%20b",
      },
    ],
    [
      "abfss://fs@acct.dfs.core.windows.net/x",
      { kind: "dfs", scheme: "abfss", ...azure, container: "fs", path: "x" },
    ],
    [
      "abfs://fs@acct.dfs.core.windows.net",
      { kind: "dfs", scheme: "abfs", ...azure, container: "fs", path: "" },
    ],
    [
      "https://acct.dfs.core.windows.net/fs/x",
      { kind: "dfs", scheme: "https", ...azure, container: "fs", path: "x" },
    ],
    [
      "https://msit-onelake.dfs.fabric.microsoft.com/ws-guid/lake-guid/Files",
      {
        kind: "dfs",
        scheme: "https",
        account: "msit-onelake",
        endpoint: "fabric.microsoft.com",
        container: "ws-guid",
        path: "lake-guid/Files",
      },
    ],
    [
      "https://acct.file.core.windows.net/share/a/b",
      { kind: "file_share", scheme: "https", ...azure, container: "share", path: "a/b" },
    ],
    [
      "adl://store.azuredatalakestore.net/x/y",
      { kind: "adl", store: "store", endpoint: "azuredatalakestore.net", path: "x/y" },
    ],
    ["dbfs:/mnt/x", { kind: "dbfs", path: "mnt/x" }],
    ["dbfs:///mnt/x", { kind: "dbfs", path: "mnt/x" }],
    ["file:///data/a%20b/*.csv", { kind: "file", path: "/data/a b/*.csv" }],
    ["file:/data/a?#", { kind: "file", path: "/data/a?#" }],
    ["file://localhost/data", { kind: "file", path: "/data" }],
    ["file://server/share/x", { kind: "file", host: "server", path: "/share/x" }],
    ["file:///C:/data", { kind: "file", path: "/C:/data" }],
    [
      "http://127.0.0.1:10000/dev/c/x",
      { kind: "http", scheme: "http", host: "127.0.0.1:10000", path: "dev/c/x" },
    ],
    ["https://example.com", { kind: "http", scheme: "https", host: "example.com", path: "" }],
    [
      "https://example.com/a%20b.csv?x=1&y",
      { kind: "http", scheme: "https", host: "example.com", path: "a b.csv", query: "x=1&y" },
    ],
    ["https://[::1]:8080/a", { kind: "http", scheme: "https", host: "[::1]:8080", path: "a" }],
    // Only a store's own host is one.
    [
      "https://acct.blob.example.com/c/x",
      { kind: "http", scheme: "https", host: "acct.blob.example.com", path: "c/x" },
    ],
  ])("%s", (text, uri) => {
    expect(parseUri(text)).toEqual(uri);
    expect(parseUri(formatUri(uri))).toEqual(uri);
  });

  test.each([
    "",
    ".",
    "data/x.csv",
    "/data/x.csv",
    "C:\\data\\x.csv",
    "azureml:",
    "azureml:a:b:c",
    "azureml:a:",
    "azureml://",
    "azureml://datastores/d",
    "azureml://datastores//paths/x",
    "azureml://datastores/d/x",
    "azureml://subscriptions/s/resourcegroups/r/workspaces/w/datastores/d",
    "azureml://subscriptions/s/workspaces/w/datastores/d/paths/x",
    "azureml://data/n/versions/1",
    "azureml://registries/r/datastores/d/paths/x",
    "azureml://registries/r/data/n",
    "https://",
    "https:///x",
    "https://acct.blob.core.windows.net",
    "https://acct.blob.core.windows.net/",
    "https://acct.blob.core.windows.net/c/100%",
    "https://acct.blob.core.windows.net/c/%FF",
    "https://acct.blob.core.windows.net/c/%00",
    "https://acct.blob.core.windows.net/c/a#1.csv",
    "https://acct.blob.core.windows.net/c/a?comp=list",
    "https://example.com/a%2Fb",
    "wasbs://acct.blob.core.windows.net/",
    "wasbs://c@acct.dfs.core.windows.net/x",
    "wasbs://a:b@acct.blob.core.windows.net/x",
    "abfss://fs@acct.blob.core.windows.net/x",
    "abfss://acct.dfs.core.windows.net",
    "adl://store/x",
    "file:relative",
    "file://host",
    "s3:bucket/x",
    "https://example.com/\0",
    "https://example.com/\ud800",
  ])("refuses %j", (text) => {
    expect(refusal(text).message).not.toBe("");
  });

  test("takes a third party's scheme literally", () => {
    const uri = { kind: "other", scheme: "s3", authority: "bucket", path: "a b/%41/*.csv" };
    expect(parseUri("s3://bucket/a b/%41/*.csv")).toEqual(uri);
    expect(formatUri(uri as ParsedUri)).toBe("s3://bucket/a b/%41/*.csv");
    expect(resolveUri("s3://bucket/a/b", "../c")).toBe("s3://bucket/a/c");
    expect(refusal("s3://bucket/x?a=1&sig=c2VjcmV0").all).not.toContain("c2VjcmV0");
  });

  test.each([
    "https://acct.blob.core.windows.net/c/x.csv?sv=2025-01-05&sig=c2VjcmV0%2Fc2ln",
    "https://acct.blob.core.windows.net/c/x.csv?sig=c2VjcmV0/c2ln&se=1",
    "https://acct.blob.core.windows.net/c/x.csv?snapshot=1&sig=c2VjcmV0",
    "https://acct.file.core.windows.net/c/x.csv?sv=1&sig=c2VjcmV0",
    "https://acct.dfs.core.windows.net/c/x.csv?sv=1&sig=c2VjcmV0",
    "wasbs://c@acct.blob.core.windows.net/x.csv?sv=1&sig=c2VjcmV0",
    "https://example.com/x.csv?SIG=c2VjcmV0",
    "https://example.com/x.csv?a=1&X-Amz-Signature=c2VjcmV0",
    "https://user:c2VjcmV0@example.com/x",
    "https://user:c2VjcmV0/x@example.com/x",
    "https://user:c2VjcmV0/x@example.com/x?sig=1",
    "https://user:c2VjcmV0/x@example.com/\0\ud800",
    "azureml://datastores/d/paths/x?sv=1&sig=c2VjcmV0",
    "https://c2VjcmV0@acct.blob.core.windows.net/c/x",
  ])("refuses the secret in %s and never repeats it", (text) => {
    expect(refusal(text).all).not.toContain("c2VjcmV0");
  });

  test.each([
    `s3:${"x".repeat(1_000_000)}`,
    `https://acct.blob.core.windows.net/c/${"?".repeat(1_000_000)}%`,
    `https://example.com/#${"?#".repeat(500_000)}`,
    `azureml://${"datastores/".repeat(100_000)}`,
    `azureml:${":".repeat(1_000_000)}`,
    `file:/${"/".repeat(1_000_000)}%`,
    `https://${"a.".repeat(500_000)}@`,
    `wasbs://${"@".repeat(1_000_000)}`,
    "x".repeat(1_000_000),
  ])("refuses %.30s… at once and in few words", (text) => {
    const started = performance.now();
    expect(refusal(text).all.length).toBeLessThan(4000);
    expect(performance.now() - started).toBeLessThan(30_000);
  });

  test("throws nothing but path_invalid", () => {
    const pieces = fc.constantFrom(
      ..."azureml: azureml:// datastores/ d paths/ data/ versions/ 1 @ : / // ? # % %41 %ff .. https:// file:// wasbs://".split(
        " ",
      ),
      ...`adl:// dbfs:/ acct.blob.core.windows.net / ${arm}/ registries/ r/ [ ] * \0 \ud800 =`.split(" "),
    );
    const texts = fc.oneof(
      anyText(),
      fc.array(pieces, { maxLength: 12 }).map((all) => all.join("")),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          const uri = parseUri(text);
          expect(parseUri(formatUri(uri))).toEqual(uri);
        } catch (error) {
          if (!isAmlError(error, "path_invalid")) throw error;
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("formatUri", () => {
  test.each([
    [
      `azureml:/${arm}/data/n/versions/7`,
      "azureml://subscriptions/s/resourcegroups/r/workspaces/w/data/n/versions/7",
    ],
    ["AmlDatastore://d/x", "azureml://datastores/d/paths/x"],
    ["wasbs://acct.blob.core.windows.net/data/x", "wasbs://data@acct.blob.core.windows.net/x"],
    [
      "https://acct.blob.core.windows.net/c/y=1/%5Ba%5D%2A%20%3F.csv",
      "https://acct.blob.core.windows.net/c/y=1/[a]*%20%3F.csv",
    ],
    [
      "https://acct.blob.core.windows.net/c/a?versionId=2025-01-31T00:00:00Z",
      "https://acct.blob.core.windows.net/c/a?versionid=2025-01-31T00:00:00Z",
    ],
    ["dbfs:///x", "dbfs:/x"],
    ["file:/x", "file:///x"],
  ])("%s", (text, canonical) => {
    expect(formatUri(parseUri(text))).toBe(canonical);
  });

  test("is undone by parseUri, for any path", () => {
    const anyPath = fc
      .string({ unit: "grapheme" })
      .filter((text) => !/[\0\p{Surrogate}]|[?&]sig=/u.test(text));
    const make = fc.constantFrom<(path: string) => ParsedUri>(
      (path) => ({ kind: "datastore", datastore: "d", path }),
      (path) => ({ kind: "datastore", workspace, datastore: "d", path }),
      (path) => ({ kind: "blob", scheme: "https", ...azure, container: "c", path }),
      (path) => ({ kind: "blob", scheme: "wasb", ...azure, container: "c", path }),
      (path) => ({ kind: "dfs", scheme: "abfss", ...azure, container: "c", path }),
      (path) => ({ kind: "file_share", scheme: "https", ...azure, container: "c", path }),
      (path) => ({ kind: "adl", store: "s", endpoint: "azuredatalakestore.net", path }),
      (path) => ({ kind: "dbfs", path: path.replace(/^\/+/, "") }),
      (path) => ({ kind: "file", path: `/${path}` }),
      (path) => ({ kind: "http", scheme: "http", host: "h:1", path, query: "a?b" }),
    );
    fc.assert(
      fc.property(make, anyPath, (uri, text) => {
        expect(parseUri(formatUri(uri(text)))).toEqual(uri(text));
      }),
      { numRuns: 500 },
    );
  });
});

describe("resolveUri", () => {
  const d = "azureml://datastores/d/paths";
  const blob = "https://acct.blob.core.windows.net/c";
  test.each([
    [`${d}/a`, "b.csv", `${d}/a/b.csv`],
    [`${d}/a/`, "./b.csv", `${d}/a/b.csv`],
    [`${d}/a/`, ".", `${d}/a/`],
    [`${d}/a`, "./", `${d}/a/`],
    [`${d}/a`, ".\\", `${d}/a/`],
    [`${d}/a`, "", `${d}/a/`],
    [`${d}/a/b`, "../x//./y/", `${d}/a/x/y/`],
    [`${d}/a/b`, "../../x", `${d}/x`],
    [`${d}/a`, "..", `${d}/`],
    [`${d}/`, ".", `${d}/`],
    [`${d}/a`, "100%25 [x]?.csv", `${d}/a/100%25 [x]?.csv`],
    [`${d}/a%20b`, "c\\d", `${d}/a%20b/c\\d`],
    [`${d}/a`, "2025-01-01T00:00.csv", `${d}/a/2025-01-01T00:00.csv`],
    [`${d}/a`, "**/*.csv", `${d}/a/**/*.csv`],
    [`${blob}/a%20b`, "c d/y=1/*[0-9]?.csv", `${blob}/a%20b/c%20d/y=1/*[0-9]%3F.csv`],
    [`${blob}/a`, "b%20c#.csv", `${blob}/a/b%2520c%23.csv`],
    [`${blob}/a?snapshot=1`, "b", `${blob}/a/b`],
    ["https://example.com/a?x=1", "b", "https://example.com/a/b"],
    ["wasbs://c@acct.blob.core.windows.net/a", "b%20", "wasbs://c@acct.blob.core.windows.net/a/b%20"],
    ["file:///data/a%20b", "../c d.csv", "file:///data/c%20d.csv"],
    ["file:///data", "/tmp/x?.csv", "file:///tmp/x%3F.csv"],
    ["file:///C:/data", "sub\\x.csv", "file:///C:/data/sub/x.csv"],
    ["file:///C:/data", "D:\\x.csv", "file:///D:/x.csv"],
    ["file:///C:/data", "..", "file:///C:/"],
    ["dbfs:/mnt", "x", "dbfs:/mnt/x"],
    [`${d}/a`, "https://example.com/X?y#z", "https://example.com/X?y#z"],
    [`${d}/a`, "azureml:other:1", "azureml:other:1"],
  ])("%s + %s", (folder, path, uri) => {
    expect(resolveUri(folder, path)).toBe(uri);
  });

  test.each([
    [`${d}/a`, "../../x"],
    [`${blob}/`, ".."],
    ["file:///C:/data", "../../x"],
    [`${d}/a`, "/etc/passwd"],
    ["azureml:asset:1", "x"],
    ["relative", "x"],
    [`${blob}/a`, "\ud800"],
  ])("refuses %j + %j", (folder, path) => {
    expect(() => resolveUri(folder, path)).toThrow(expect.objectContaining({ code: "path_invalid" }));
  });

  test("a glob leaves the folder's own name literal", () => {
    expect(resolvePatternUri(`${d}/a[1]*`, "*.csv")).toBe(`${d}/a[[]1][*]/*.csv`);
    expect(parseUri(resolvePatternUri(`${blob}/what%3F`, "?.csv"))).toMatchObject({ path: "what[?]/?.csv" });
  });

  test("tells URIs from paths", () => {
    expect(["azureml:x", "s3://b/x", "file:/x", "DBFS:/x"].map(isUri)).toEqual([true, true, true, true]);
    expect(["x", "./x", "C:\\x", "C:/x", "a:b.csv", "/x", "2025:01//"].map(isUri)).not.toContain(true);
  });
});

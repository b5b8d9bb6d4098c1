// From files in Azure Blob Storage to filtered, versioned rows: the whole journey on this machine.
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isAmlError, type Row, type TraceEvent } from "@aml/core";
import { startAzurite } from "@aml/emulator";
import { initWorkspace, openWorkspace } from "@aml/workspace";
import { BlobServiceClient } from "@azure/storage-blob";
import { megabytes, printRows, say, step } from "./narrate.ts";
import { uploadNewYear, uploadSampleData, uploadStocks } from "./sample-data.ts";

const started = performance.now();
const folder = await mkdtemp(join(tmpdir(), "aml-quickstart-"));
const azurite = await startAzurite();
const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient("lake");

let fetched = 0;
let told = 0;
const count = (event: TraceEvent): void => {
  if (event.kind === "progress" && event.operation === "read") fetched += event.bytes;
};

try {
  console.log("Setting the scene: a blob container with public data, on an emulator of Azure Storage.");
  await container.create();
  const stored = await uploadSampleData(container);
  say(`${megabytes(stored)} in container 'lake' of account '${azurite.accountName}'`);

  await initWorkspace(folder);
  const ws = await openWorkspace({ folder, onTrace: count });
  try {
    await journey(ws, stored);
  } finally {
    await ws[Symbol.asyncDispose]();
  }
} finally {
  await azurite[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
}
console.log(
  `\nDone in ${((performance.now() - started) / 1000).toFixed(1)} s; the emulator and its files are gone.`,
);
console.log("Next: `npm run -s aml -- --help`, and the README's section on a store of your own.");

async function journey(ws: Awaited<ReturnType<typeof openWorkspace>>, stored: number): Promise<void> {
  const { accountName, accountKey, endpoint } = azurite;
  const lake = await step(
    "1. Register a datastore: the key goes to the vault, the rest to the registry",
    `await ws.datastores.register({ name: "lake", type: "azure_blob",\n` +
      `  options: { accountName, containerName: "lake", endpoint }, credential: { kind: "account_key", accountKey } })`,
    () =>
      ws.datastores.register({
        name: "lake",
        type: "azure_blob",
        options: { accountName, containerName: "lake", endpoint },
        credential: { kind: "account_key", accountKey },
      }),
  );
  say(JSON.stringify(lake.credential));

  await step(
    "2. List it",
    `ws.files("azureml://datastores/lake/paths/strikes/199[6-9]/*.csv").files()`,
    async () => {
      for await (const file of ws.files("azureml://datastores/lake/paths/strikes/199[6-9]/*.csv").files()) {
        say(`${String(file.stat.size).padStart(7)}  ${file.uri}`);
      }
    },
  );

  const strikes = await step(
    "3. A table from a glob: filter and keep columns, nothing is read yet",
    `const strikes = ws.tabular.fromDelimitedFiles("azureml://datastores/lake/paths/strikes/*/*.csv")\n` +
      `  .extractColumnsFromPartitionFormat("/strikes/{year}/")\n` +
      `  .filter("col('Wildlife Size') == 'Large' and col('Cost Total $') > 200000")\n` +
      `  .keepColumns(["year", "Flight Date", "Wildlife Species", "Origin State", "Cost Total $"])`,
    async () =>
      ws.tabular
        .fromDelimitedFiles("azureml://datastores/lake/paths/strikes/*/*.csv")
        .extractColumnsFromPartitionFormat("/strikes/{year}/")
        .filter("col('Wildlife Size') == 'Large' and col('Cost Total $') > 200000")
        .keepColumns(["year", "Flight Date", "Wildlife Species", "Origin State", "Cost Total $"]),
  );

  await step("4. Show it", `for await (const row of strikes.take(5).rows()) …`, async () => {
    printRows(await all(strikes.take(5).rows()));
    const { columns } = await strikes.schema();
    say(`types: ${columns.map(({ name, type }) => `${name} ${type}`).join(", ")}`);
  });

  sayFetched(stored);

  await step(
    "5. Three million flights in Parquet, and a JSON Lines file, the same way",
    `ws.tabular.fromParquetFiles("azureml://datastores/lake/paths/flights/*.parquet").filter("delay > 1480")`,
    async () => {
      const flights = ws.tabular.fromParquetFiles("azureml://datastores/lake/paths/flights/*.parquet");
      printRows(await all(flights.filter("delay > 1480").rows()));
      const movies = ws.tabular.fromJsonLinesFiles("azureml://datastores/lake/paths/movies/*.jsonl");
      const best = movies
        .filter("col('IMDB Rating') >= 9.1")
        .keepColumns(["Title", "IMDB Rating", "US Gross"]);
      printRows(await all(best.rows()));
    },
  );

  sayFetched(stored);

  await step(
    "6. Register version 1: it pins the etag and size of every file",
    `await strikes.register("strikes")`,
    async () => {
      const { name, version, hash } = await strikes.register("strikes", {
        description: "Costly strikes by large birds",
      });
      say(`${name}:${version}  ${hash.slice(0, 19)}…`);
    },
  );

  await step(
    "7. A new year arrives: register version 2, and read both",
    `await ws.datasets.get("strikes:1")`,
    async () => {
      await uploadNewYear(container);
      await strikes.register("strikes");
      for (const reference of ["strikes:1", "strikes:2"]) {
        const dataset = await ws.datasets.get(reference);
        if (dataset.kind === "tabular") say(`${reference}  ${(await all(dataset.rows())).length} rows`);
      }
      sayFetched(stored);
    },
  );

  await step(
    "8. Somebody overwrites a file: a version never hands out other bytes than it pinned",
    `await ws.files("azureml://datastores/lake/paths/stocks/").register("raw-stocks")\n` +
      `const raw = await ws.datasets.get("raw-stocks:1") // … and then the file changes`,
    async () => {
      await ws.files("azureml://datastores/lake/paths/stocks/").register("raw-stocks");
      await container.getBlockBlobClient("stocks/stocks.csv").upload("symbol,date,price\n", 18);
      const raw = await ws.datasets.get("raw-stocks:1");
      try {
        if (raw.kind === "file") await raw.download(join(folder, "raw"));
        throw new Error("a changed file was handed out as if it were the old one");
      } catch (error) {
        if (!isAmlError(error, "precondition_failed")) throw error;
        say(`${error.code}: ${error.message}\nhint: ${error.hint ?? ""}`);
      }
      await uploadStocks(container);
    },
  );

  await step(
    "9. Download as files",
    `await ws.files("azureml://datastores/lake/paths/st*/**").download("copy")`,
    async () => {
      const report = await ws.files("azureml://datastores/lake/paths/st*/**").download(join(folder, "copy"));
      say(
        `${report.files.length} files, ${megabytes(report.bytes)}, e.g. ${String(report.files.at(-1)).replace(/.*\/copy/, "copy")}`,
      );
    },
  );

  await step(
    "10. Save the recipe as an MLTable, and load it again",
    `await ws.saveMLTable(stocks, "stocks-table")`,
    async () => {
      const stocks = ws.tabular
        .fromDelimitedFiles("azureml://datastores/lake/paths/stocks/*.csv")
        .convertColumnTypes({ date: { datetime: { formats: ["%b %d %Y"] } } })
        .filter("symbol == 'AAPL' and date >= datetime(2010, 1, 1)");
      await ws.saveMLTable(stocks, join(folder, "stocks-table"));
      say(await readFile(join(folder, "stocks-table", "MLTable"), "utf8"));
      const loaded = await ws.loadMLTable(join(folder, "stocks-table"));
      if (loaded.kind === "tabular") printRows(await all(loaded.rows()));
    },
  );
}

/** Tells what the last steps moved: a file that was read before comes from the local cache. */
function sayFetched(stored: number): void {
  say(`fetched ${megabytes(fetched - told)} of ${megabytes(stored)} stored`);
  told = fetched;
}

async function all(rows: AsyncIterable<Row>): Promise<Row[]> {
  const collected: Row[] = [];
  for await (const row of rows) collected.push(row);
  return collected;
}

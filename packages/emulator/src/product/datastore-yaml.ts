import type { EmulatedService } from "./emulated-service.ts";
import type { RunningServices, RunningStorage } from "./running-service.ts";

interface Fields {
  readonly [key: string]: string | number | Fields;
}
type Of<Name extends EmulatedService> = NonNullable<RunningServices[Name]>;

const SCHEMAS = "https://azuremlschemas.azureedge.net/latest";

/**
 * The emulated stores as datastores, in YAML: those of Azure ML version 2 where it has the type, else in the same
 * form. One document each, ready for `aml datastore create -f`.
 */
export function datastoreYaml(services: RunningServices): string {
  const { blob, dfs, files, adls1, dbfs, entra, sql } = services;
  const documents: readonly (Fields | undefined)[] = [
    blob && account("azure_blob", "emulated_blob", "azureBlob", "container_name", blob),
    dfs && account("azure_data_lake_gen2", "emulated_lake", "azureDataLakeGen2", "filesystem", dfs),
    files && account("azure_file", "emulated_files", "azureFile", "file_share_name", files),
    adls1 && entra && gen1(adls1, entra),
    dbfs && {
      name: "emulated_dbfs",
      type: "dbfs",
      host: dbfs.url,
      path: dbfs.volume,
      credentials: { token: dbfs.token },
    },
    sql && azureSql(sql),
  ];
  return documents.flatMap((document) => (document === undefined ? [] : [`---\n${yaml(document)}`])).join("");
}

function account(type: string, name: string, schema: string, place: string, store: RunningStorage): Fields {
  return {
    $schema: `${SCHEMAS}/${schema}.schema.json`,
    name,
    type,
    account_name: store.accountName,
    [place]: store.place,
    endpoint: store.url,
    credentials: { account_key: store.accountKey },
  };
}

function gen1({ url }: Of<"adls1">, entra: Of<"entra">): Fields {
  return {
    $schema: `${SCHEMAS}/azureDataLakeGen1.schema.json`,
    name: "emulated_lake_gen1",
    type: "azure_data_lake_gen1",
    store_name: "emulator",
    endpoint: url,
    credentials: {
      tenant_id: entra.tenantId,
      client_id: entra.clientId,
      client_secret: entra.clientSecret,
      authority_url: entra.authorityUrl,
    },
  };
}

function azureSql({ host, port, database, username, password }: Of<"sql">): Fields {
  return {
    name: "emulated_sql",
    type: "azure_sql",
    server: host,
    port,
    database,
    // Its certificate is its own, and made anew with each start.
    trust_server_certificate: "true",
    credentials: { username, password },
  };
}

/** Texts, numbers and one level of them below: no value of ours needs more of YAML. */
function yaml(fields: Fields, indent = ""): string {
  return Object.entries(fields)
    .map(([key, value]) =>
      typeof value === "object"
        ? `${indent}${key}:\n${yaml(value, `${indent}  `)}`
        : `${indent}${key}: ${typeof value === "string" ? scalar(value) : String(value)}\n`,
    )
    .join("");
}

function scalar(text: string): string {
  return /^[A-Za-z/][\w./+-]*(:\/\/[\w./:-]+)?$/.test(text) ? text : JSON.stringify(text);
}

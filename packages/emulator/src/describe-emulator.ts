import { datastoreYaml } from "./product/datastore-yaml.ts";
import { EMULATED_SERVICES, TITLES, type EmulatedService } from "./product/emulated-service.ts";
import type { RunningServices } from "./product/running-service.ts";

/** What somebody who has just started it wants to know. */
export interface Report {
  readonly services: RunningServices;
  readonly certificateFile: string;
  readonly data: string | undefined;
  readonly https: boolean;
}

type Facts = readonly (readonly [name: string, value: string])[];

/** For people: where everything is, how to sign in, and datastores to paste. */
export function reportText({ services, certificateFile, data, https }: Report): string {
  const yaml = datastoreYaml(services);
  const trusted = https || services["key-vault"] !== undefined;
  return [
    ...EMULATED_SERVICES.flatMap((name) => sectionOf(name, services)),
    data === undefined ? "Everything is in memory.\n" : `What is written is kept in ${data}.\n`,
    trusted ? `Clients must trust its certificate:\n  export NODE_EXTRA_CA_CERTS=${certificateFile}\n` : "",
    yaml === "" ? "" : `Datastores, for: aml datastore create -f emulated.yaml\n\n${yaml}`,
    services["key-vault"] === undefined
      ? ""
      : `A workspace's secrets, in aml.config.json: { "secrets": { "keyVault": "${services["key-vault"].url}" } }\n`,
    "Ctrl-C ends it.\n",
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function sectionOf(name: EmulatedService, services: RunningServices): readonly string[] {
  const facts = factsOf(name, services);
  if (facts.length === 0) return [];
  const rows = facts.map(([key, value]) => `  ${key.padEnd(14)} ${value}`);
  return [`${TITLES[name]} (${name})\n${rows.join("\n")}\n`];
}

function factsOf(name: EmulatedService, services: RunningServices): Facts {
  const { entra, sql, dbfs } = services;
  switch (name) {
    case "entra":
      if (!entra) return [];
      return [
        ["authority", entra.authorityUrl],
        ["tenant", entra.tenantId],
        ["client ID", entra.clientId],
        ["client secret", entra.clientSecret],
        ["identity", `AZURE_POD_IDENTITY_AUTHORITY_HOST=${entra.imdsUrl}`],
      ];
    case "sql":
      if (!sql) return [];
      return [
        ["server", `${sql.host},${sql.port}`],
        ["database", sql.database],
        ["login", `${sql.username} / ${sql.password}`],
      ];
    case "dbfs":
      if (!dbfs) return [];
      return [
        ["URL", dbfs.url],
        ["token", dbfs.token],
        ["volume", dbfs.volume],
      ];
    case "blob":
    case "dfs":
    case "files": {
      const store = services[name];
      if (!store) return [];
      return [
        ["URL", store.url],
        ["account key", store.accountKey],
        [{ blob: "container", dfs: "file system", files: "share" }[name], store.place],
      ];
    }
    default: {
      const { url } = services[name] ?? {};
      return url === undefined ? [] : [["URL", url]];
    }
  }
}

/** For programs: the same, as plain data. */
export function reportJson({ services, certificateFile, data }: Report): string {
  const { blob, dfs, files, adls1, dbfs, entra, sql } = services;
  const keyVault = services["key-vault"];
  return `${JSON.stringify({
    ...(blob && { blob }),
    ...(dfs && { dfs }),
    ...(files && { files }),
    ...(adls1 && { adls1 }),
    ...(dbfs && { dbfs: { url: dbfs.url, token: dbfs.token, volume: dbfs.volume } }),
    ...(keyVault && { "key-vault": keyVault }),
    ...(entra && {
      entra: {
        authorityUrl: entra.authorityUrl,
        tenantId: entra.tenantId,
        clientId: entra.clientId,
        clientSecret: entra.clientSecret,
        imdsUrl: entra.imdsUrl,
        appService: entra.appService,
      },
    }),
    ...(sql && {
      sql: {
        host: sql.host,
        port: sql.port,
        database: sql.database,
        username: sql.username,
        password: sql.password,
      },
    }),
    certificateFile,
    data,
  })}\n`;
}

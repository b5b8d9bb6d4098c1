import type { Entra } from "../entra/start-entra.ts";
import type { Dbfs } from "../dbfs/create-dbfs.ts";
import type { AzureSql } from "../tds/start-azure-sql.ts";

/** A storage service, ready for clients. */
export interface RunningStorage {
  /** What clients call the endpoint, with the account: `http://127.0.0.1:PORT/devstoreaccount1` */
  readonly url: string;
  readonly accountName: string;
  readonly accountKey: string;
  readonly connectionString: string;
  /** A container, file system or share that is there from the start. */
  readonly place: string;
}

export interface RunningDbfs {
  readonly url: string;
  /** A personal access token. */
  readonly token: string;
  /** A Unity Catalog volume, `/Volumes/…`. */
  readonly volume: string;
  readonly revokeTokens: Dbfs["revokeTokens"];
}

export interface RunningEntra extends Pick<
  Entra,
  | "authorityUrl"
  | "tenantId"
  | "imdsUrl"
  | "appService"
  | "requests"
  | "register"
  | "accessToken"
  | "federatedToken"
  | "answerDevice"
  | "verify"
> {
  /** Of an app registration that is there from the start. */
  readonly clientId: string;
  readonly clientSecret: string;
}

export interface RunningSql extends Pick<
  AzureSql,
  "host" | "port" | "postgresUrl" | "setFaults" | "disconnectAll"
> {
  readonly database: string;
  readonly username: string;
  readonly password: string;
}

/** What runs, by name; what was not asked for is absent. */
export interface RunningServices {
  readonly blob?: RunningStorage | undefined;
  readonly dfs?: RunningStorage | undefined;
  readonly files?: RunningStorage | undefined;
  /** Tokens for `https://datalake.azure.net/`. */
  readonly adls1?: { readonly url: string } | undefined;
  readonly dbfs?: RunningDbfs | undefined;
  /** Tokens for `https://vault.azure.net`. */
  readonly "key-vault"?: { readonly url: string } | undefined;
  readonly entra?: RunningEntra | undefined;
  readonly sql?: RunningSql | undefined;
}

/**
 * Where data is, read from a URI. `path` is below the root of its store, decoded, may be a glob, and has no leading
 * slash but in a `file`.
 */
export type ParsedUri =
  | DatastoreUri
  | AssetUri
  | RegistryAssetUri
  | StorageUri
  | AdlUri
  | DbfsUri
  | FileUri
  | HttpUri
  | OtherUri;

export interface WorkspaceScope {
  readonly subscriptionId: string;
  readonly resourceGroup: string;
  readonly workspaceName: string;
}

/** `azureml://datastores/NAME/paths/PATH`, the long form that names a workspace, or `AmlDatastore://NAME/PATH`. */
export interface DatastoreUri {
  readonly kind: "datastore";
  /** Absent in the short form: the workspace at hand. */
  readonly workspace?: WorkspaceScope | undefined;
  readonly datastore: string;
  readonly path: string;
}

/** A registered dataset: `azureml:NAME`, `azureml:NAME:VERSION`, `azureml:NAME@LABEL`, or a long form of these. */
export interface AssetUri {
  readonly kind: "asset";
  readonly name: string;
  /** Neither this nor `label` means the newest one. */
  readonly version?: string | undefined;
  readonly label?: string | undefined;
  /** Neither this nor `location` means the workspace at hand. */
  readonly workspace?: WorkspaceScope | undefined;
  readonly location?: { readonly region: string; readonly workspaceId: string } | undefined;
}

/** `azureml://registries/REGISTRY/data/NAME/versions/VERSION` or `…/labels/LABEL`. */
export interface RegistryAssetUri {
  readonly kind: "registry_asset";
  readonly registry: string;
  readonly name: string;
  readonly version?: string | undefined;
  readonly label?: string | undefined;
}

/** A path in an Azure Storage account: Blob, ADLS Gen2 (also OneLake) or File Share. */
export interface StorageUri {
  readonly kind: "blob" | "dfs" | "file_share";
  /** `wasb[s]` for `blob` only, `abfs[s]` for `dfs` only. */
  readonly scheme: "https" | "http" | "wasbs" | "wasb" | "abfss" | "abfs";
  readonly account: string;
  /** What follows the account and the service in the host: `core.windows.net`, or a sovereign cloud's. */
  readonly endpoint: string;
  /** Container, file system or share. */
  readonly container: string;
  readonly path: string;
  /** Of a blob by https: at most one of these two. */
  readonly snapshot?: string | undefined;
  readonly versionId?: string | undefined;
}

/** Azure Data Lake Storage Gen1. */
export interface AdlUri {
  readonly kind: "adl";
  readonly store: string;
  readonly endpoint: string;
  readonly path: string;
}

export interface DbfsUri {
  readonly kind: "dbfs";
  readonly path: string;
}

export interface FileUri {
  readonly kind: "file";
  /** Of a network share; `localhost` is left out. */
  readonly host?: string | undefined;
  /** With its leading slash, also before a drive: `/C:/data`. */
  readonly path: string;
}

/** Any other web address. */
export interface HttpUri {
  readonly kind: "http";
  readonly scheme: "https" | "http";
  /** With the port, if it is given. */
  readonly host: string;
  readonly path: string;
  /** As written, without `?`. */
  readonly query?: string | undefined;
}

/** A place in a store of a third party's adapter: `s3://bucket/folder`. Taken literally. */
export interface OtherUri {
  readonly kind: "other";
  readonly scheme: string;
  readonly authority: string;
  readonly path: string;
}

// All that the author of an adapter needs, on one page.
export * from "./adapter-definition.ts";
export * from "./aml-error.ts";
export * from "./credential.ts";
export * from "./free-chunk.ts";
export * from "./http-endpoint.ts";
export * from "./secret.ts";
export * from "./slots.ts";
export type * from "./sql-part.ts";
export type * from "./sql-source.ts";
export * from "./storage.ts";
export * from "./store-credentials.ts";
export * from "./store-path.ts";
export type * from "./table.ts";

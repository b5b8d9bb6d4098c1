// All that the author of an adapter needs, on one page.
export * from "./adapter-definition.ts";
export * from "./aml-error.ts";
export * from "./credential.ts";
export * from "./secret.ts";
export * from "./storage.ts";
export * from "./store-path.ts";

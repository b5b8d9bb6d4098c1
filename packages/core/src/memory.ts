export * from "./memory-registry.ts";
export * from "./memory-storage.ts";
export * from "./memory-secrets.ts";

// What goes around an adapter, and what a layer of one's own is made with.
export { createLayer, type LayerVerbs } from "./storage-layer.ts";
export { withRetry, type RetryEvent, type RetryOptions } from "./with-retry.ts";
export * from "./with-sql-retry.ts";
export * from "./with-timeout.ts";
export * from "./with-trace.ts";

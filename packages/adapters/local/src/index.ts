export { local } from "./adapter.ts";
export type { LocalOptions } from "./options.ts";

export { http } from "./adapter.ts";
export type { HttpOptions } from "./options.ts";

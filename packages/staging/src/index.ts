export * from "./byte-ranges.ts";
export * from "./stager.ts";
export * from "./stage-transform.ts";
export * from "./transcode.ts";
export * from "./decompress.ts";
export * from "./gate.ts";
export { isSmall, START_BYTES } from "./read-start.ts";
export { mayRun, processMark } from "./process-mark.ts";
export { writeAt } from "./write-at.ts";

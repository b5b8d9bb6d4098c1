export { arrowBatches, type ArrowOptions, type ColumnSource } from "./arrow-batches.ts";
export { toArrow } from "./to-arrow.ts";
export { toArrowIpc, type ArrowIpcOptions } from "./to-arrow-ipc.ts";
export { fromArrow, type ArrowSource } from "./from-arrow.ts";

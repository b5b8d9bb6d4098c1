export { fromV1Definition, type FromV1Result } from "./from-v1-definition.ts";
export { toV1Definition, type ToV1Result } from "./to-v1-definition.ts";
export type { ConversionLoss } from "./v1-definition.ts";
export { editMLTable, type MLTableEdit } from "./edit-mltable.ts";
export { formatMLTable } from "./format-mltable.ts";
export type { MLTable, Traits } from "./mltable.ts";
export { type MLTableFault, parseMLTable, type ParseMLTableOptions } from "./parse-mltable.ts";
export { fromPlan, toPlan } from "./to-plan.ts";
export { checkTraitColumns, withMetadata, withTraits } from "./traits.ts";

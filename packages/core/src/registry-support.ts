// What every registry shares: the checks of what it keeps, and its errors.
export * from "./check-spec.ts";
export * from "./registry-errors.ts";

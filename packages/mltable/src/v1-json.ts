import { AmlError } from "@aml/core";

/** Whole numbers that a JavaScript number would round come as bigint. @throws `parse_failed`. */
export function readV1Json(text: string): unknown {
  const keepDigits = (_key: string, value: unknown, { source }: { readonly source?: string } = {}): unknown =>
    typeof value === "number" && !Number.isSafeInteger(value) && /^-?\d+$/.test(source ?? "")
      ? BigInt(source as string)
      : value;
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""), keepDigits);
  } catch (error) {
    throw new AmlError("parse_failed", "The definition is no JSON.", {
      hint: "Give what Dataflow.to_json() writes in SDK v1.",
      cause: error,
    });
  }
}

/** JSON with bigints as numbers. */
export function writeV1Json(value: unknown, indent = ""): string {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}  `;
  const isArray = Array.isArray(value);
  const items = isArray
    ? value.map((item) => writeV1Json(item, inner))
    : Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${writeV1Json(item, inner)}`);
  const [open, close] = isArray ? "[]" : "{}";
  return items.length === 0
    ? `${open}${close}`
    : `${open}\n${inner}${items.join(`,\n${inner}`)}\n${indent}${close}`;
}

import { expect } from "vitest";

// What vitest does for bytes that are not the same, to say where, costs a second for each few MiB that are.
expect.addEqualityTesters([
  (one: unknown, other: unknown): true | undefined =>
    one instanceof Uint8Array && other instanceof Uint8Array && areSame(one, other) ? true : undefined,
]);

function areSame(one: Uint8Array, other: Uint8Array): boolean {
  return (
    one.constructor === other.constructor &&
    one.length === other.length &&
    one.every((byte, index) => byte === other[index])
  );
}

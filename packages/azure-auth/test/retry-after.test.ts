import { expect, test } from "vitest";
import { retryAfterMs } from "../src/index.ts";

test("seconds, a date, and what is neither", () => {
  expect(retryAfterMs("3")).toBe(3000);
  expect(retryAfterMs("0.5")).toBe(500);
  const soon = retryAfterMs(new Date(Date.now() + 60_000).toUTCString()) ?? 0;
  expect(soon).toBeGreaterThan(50_000);
  expect(soon).toBeLessThanOrEqual(60_000);
  expect(retryAfterMs("Wed, 21 Oct 2015 07:28:00 GMT")).toBe(0);
  for (const nothing of [null, undefined, "soon"]) expect(retryAfterMs(nothing)).toBeUndefined();
});

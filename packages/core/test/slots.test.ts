import { createSlots } from "@aml/core/adapter";
import { describe, expect, test } from "vitest";

describe("places for a number at a time", () => {
  test("no more than so many are taken, and the others come in their order", async () => {
    const slots = createSlots(2);
    const order: number[] = [];
    const [first, second] = [await slots.take(), await slots.take()];
    const waiting = [3, 4, 5].map(async (number) => {
      const giveBack = await slots.take();
      order.push(number);
      return giveBack;
    });
    await Promise.resolve();
    expect(order).toEqual([]);
    first();
    first();
    (await waiting[0])?.();
    expect(order).toEqual([3]);
    (await waiting[1])?.();
    second();
    (await waiting[2])?.();
    expect(order).toEqual([3, 4, 5]);
    expect(await slots.take()).toBeTypeOf("function");
  });

  test("who gives up leaves the place to the next, even in the moment in which it comes", async () => {
    const slots = createSlots(1);
    const first = await slots.take();
    const [early, late] = [new AbortController(), new AbortController()];
    const gone = slots.take(early.signal);
    const next = slots.take(late.signal);
    const last = slots.take();
    const reason = new Error("enough");
    early.abort(reason);
    await expect(gone).rejects.toBe(reason);
    first();
    late.abort();
    (await next)();
    (await last)();
    await expect(slots.take(early.signal)).rejects.toBe(reason);
  });

  test("nobody waits for what is closed", async () => {
    const slots = createSlots(1);
    await slots.take();
    const waiting = slots.take();
    slots.open();
    await waiting;
    await slots.take();
  });
});

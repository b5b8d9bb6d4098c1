import fc from "fast-check";
import { expect, test } from "vitest";
import { timeText, timestampText, type DriverTime } from "../src/time-text.ts";

/** As the driver has it, of hundreds of nanoseconds since midnight. */
function driverTime(day: number, ticks: number): DriverTime {
  return { ms: day + Math.trunc(ticks / 10_000), below: (ticks % 10_000) / 1e7 };
}

const TICKS_A_DAY = 864_000_000_000;

test("every hundred nanoseconds have a text of their own, cut to the digits of the column", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: TICKS_A_DAY - 1 }),
      fc.integer({ min: 0, max: 7 }),
      fc.constantFrom("0001-01-01", "1969-12-31", "2024-02-29", "9999-12-31"),
      (ticks, digits, day) => {
        const seconds = Math.floor(ticks / 1e7);
        const two = (value: number): string => String(Math.floor(value)).padStart(2, "0");
        const clock = `${two(seconds / 3600)}:${two((seconds / 60) % 60)}:${two(seconds % 60)}`;
        const fraction = String(ticks % 1e7)
          .padStart(7, "0")
          .slice(0, digits);
        const expected = clock + (digits === 0 ? "" : `.${fraction}`);
        expect(timeText(driverTime(0, ticks), digits)).toBe(expected);
        expect(timestampText(driverTime(Date.parse(`${day}T00:00:00Z`), ticks), digits, "Z")).toBe(
          `${day}T${expected}Z`,
        );
      },
    ),
    { numRuns: 500 },
  );
});

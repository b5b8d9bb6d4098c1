import * as fc from "fast-check";

/** Texts of any code points, lone surrogates too. The same as the unit `binary`, whose tables take long to build. */
export const anyText = (maxLength?: number): fc.Arbitrary<string> =>
  fc.string({
    unit: fc.integer({ min: 0, max: 0x10_ff_ff }).map((point) => String.fromCodePoint(point)),
    ...(maxLength !== undefined && { maxLength }),
  });

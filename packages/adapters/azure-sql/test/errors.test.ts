import { isAmlError, type AmlErrorCode } from "@aml/core/adapter";
import { describe, expect, test } from "vitest";
import { NUMBERS, type Attempt } from "../src/error-rows.ts";
import { toError } from "../src/errors.ts";

const attempt: Attempt = {
  host: "contoso.database.windows.net",
  port: 1433,
  database: "shop",
  user: "ada",
  credential: "password",
};

function errorOf(failure: object, more: Partial<Attempt> = {}): ReturnType<typeof check> {
  return check(toError(Object.assign(new Error("words"), failure), { ...attempt, ...more }));
}

function check(error: unknown): {
  code: AmlErrorCode;
  message: string;
  hint: string | undefined;
  context: Readonly<Record<string, unknown>>;
  retryable: boolean;
} {
  if (!isAmlError(error)) throw new Error("It is no AmlError.", { cause: error });
  return error;
}

const EXPECTED: Readonly<Record<string, readonly number[]>> = {
  auth_failed: [18_456, 18_452, 18_470, 18_486, 18_487, 18_488, 33_134],
  permission_denied: [40_615, 40_914, 47_073, 229, 230, 262, 297, 300, 916],
  not_found: [4060, 911, 40_532, 208, 2812, 4121],
  unsupported: [3906, 3952],
  config_invalid: [978],
  unavailable: [
    40_197, 40_613, 40_540, 40_143, 42_108, 42_109, 4221, 233, 596, 6005, 615, 926, 1205, 1222, 3960, 3961,
    3935,
  ],
  rate_limited: [40_501, 10_928, 10_929, 10_936, 49_918, 49_919, 49_920],
  resource_exhausted: [40_544, 40_549, 40_550, 40_551, 40_552, 40_553, 701, 802, 1101, 1105, 1204, 8645],
};
const rows = Object.entries(EXPECTED).flatMap(([code, numbers]) =>
  numbers.map((number) => [number, code] as const),
);

describe("errors of the server", () => {
  test.each(rows)("%i is %s", (number, code) => {
    const error = errorOf({ number, message: "The server's words.", state: 3 });
    expect(error.code).toBe(code);
    expect(error.message).toMatch(/contoso|shop|words|replica|statement|query|server/);
    expect(error.hint).toBeTruthy();
    expect(error.context).toMatchObject({ number, state: 3, server: attempt.host, database: "shop" });
    expect(error.retryable).toBe(code === "unavailable" || code === "rate_limited");
  });

  test("every row is tested", () => {
    expect(rows.map(([number]) => number).toSorted((one, other) => one - other)).toEqual(
      Object.keys(NUMBERS).map(Number),
    );
  });

  test("one that no row has is query_failed, with its line", () => {
    const text = "select 1,\n  from x";
    const bound = { text, original: text, values: [], originalOffset: (offset: number) => offset };
    const error = errorOf(
      { number: 102, message: "Incorrect syntax near 'from'.", lineNumber: 2 },
      { bound },
    );
    expect(error).toMatchObject({ code: "query_failed", context: { line: 2, number: 102 } });
    expect(error.message).toBe(
      "Database 'shop' on contoso.database.windows.net: Incorrect syntax near 'from'. At line 2:\n    from x",
    );
  });

  test("of several, the cause is told and not its consequence", () => {
    const messages = [
      { number: 4060, message: "Cannot open database" },
      { number: 18_456, message: "Login failed" },
    ];
    expect(errorOf({ code: "ELOGIN", messages }).code).toBe("not_found");
    const errors = [
      { number: 11_529, message: "The metadata could not be determined" },
      { number: 208, message: "Invalid object name 'x'." },
    ];
    expect(errorOf({ errors })).toMatchObject({ code: "not_found", context: { number: 208 } });
  });

  test("a missing right is told as the statement that gives it", () => {
    const number = 229;
    const message = "The SELECT permission was denied on the object 'tri]ps', database 'shop', schema 'dbo'.";
    expect(errorOf({ number, message }).hint).toBe(
      "Have it granted: GRANT SELECT ON [dbo].[tri]]ps] TO [ada].",
    );
    const column =
      "The SELECT permission was denied on the column 'fare' of the object 'trips', database 'shop', schema 'dbo'.";
    const who = (): string => "application A of tenant T (object O)";
    const identity = { credential: "identity", user: "", who } as const;
    expect(errorOf({ number: 230, message: column }, identity)).toMatchObject({
      message: expect.stringContaining("pplication A of tenant T (object O) may not do that"),
      hint: "Have it granted: GRANT SELECT ON [dbo].[trips]([fare]) TO [NAME], where NAME is the database's user of application A of tenant T (object O).",
    });
  });

  test("hints for identities name the user to create", () => {
    const error = errorOf({ number: 18_456 }, { credential: "identity", user: "" });
    expect(error.hint).toContain("CREATE USER [NAME] FROM EXTERNAL PROVIDER");
    expect(error.message).toContain("the identity");
  });
});

describe("failures of the network", () => {
  const cases: readonly (readonly [object, AmlErrorCode, RegExp])[] = [
    [{ code: "EENCRYPT" }, "config_invalid", /offers no TLS/],
    [{ code: "ESOCKET", cause: { code: "ENOTFOUND" } }, "not_found", /There is no host contoso/],
    [{ code: "ESOCKET", cause: { code: "EAI_AGAIN" } }, "unavailable", /could not be resolved/],
    [{ code: "ESOCKET", cause: { code: "ECONNREFUSED" } }, "unavailable", /Nothing listens at/],
    [{ code: "ESOCKET", cause: { code: "CERT_HAS_EXPIRED" } }, "unavailable", /No trusted TLS/],
    [{ code: "ESOCKET", message: "self-signed certificate" }, "unavailable", /No trusted TLS/],
    [{ code: "ETIMEOUT", message: "Failed to connect in 30000ms" }, "unavailable", /cannot be reached/],
    [{ code: "ESOCKET", cause: { code: "ECONNRESET" } }, "unavailable", /broke off/],
    [{ code: "ECONNCLOSED" }, "unavailable", /broke off/],
    [{ code: "EPIPE" }, "unavailable", /broke off/],
  ];
  test.each(cases)("%o is %s", (failure, code, message) => {
    expect(errorOf(failure)).toMatchObject({ code, message: expect.stringMatching(message) as string });
  });

  test("what nobody knows is internal, with its words", () => {
    expect(errorOf({ message: "Strange." })).toMatchObject({
      code: "internal",
      message: "Database 'shop' on contoso.database.windows.net: Strange.",
    });
  });
});

import { describe, expect, test } from "vitest";
import { bareSas, parseSas } from "../src/index.ts";

describe("parseSas", () => {
  test("an account SAS", () => {
    const sas =
      "?sv=2024-11-04&ss=b&srt=sco&sp=rl&st=2026-01-01T00%3A00%3A00Z&se=2026-06-01T12%3A30%3A00Z&sig=x%3D";
    expect(parseSas(sas)).toEqual({
      scope: "account",
      permissions: "rl",
      policy: undefined,
      startsAt: new Date("2026-01-01T00:00:00Z"),
      expiresAt: new Date("2026-06-01T12:30:00Z"),
    });
  });

  test("a service SAS with a stored policy has no expiry of its own", () => {
    expect(parseSas("sv=2024-11-04&sr=c&si=readers&sig=x")).toEqual({
      scope: "service",
      permissions: undefined,
      policy: "readers",
      startsAt: undefined,
      expiresAt: undefined,
    });
  });

  test("a user delegation SAS, with a date alone", () => {
    const sas = parseSas("sv=2024-11-04&sr=c&skoid=o&sktid=t&sp=r&se=2026-06-01&sig=x");
    expect(sas?.scope).toBe("user_delegation");
    expect(sas?.expiresAt).toEqual(new Date("2026-06-01T00:00:00Z"));
  });

  test("anything else is none", () => {
    for (const text of ["", "?", "hello", "Eby8vdM02xNOcq==", "sv=2024-11-04&sp=r"]) {
      expect(parseSas(text)).toBeUndefined();
    }
  });

  test("never keeps the signature", () => {
    expect(JSON.stringify(parseSas("sv=1&sr=c&sp=r&sig=canary"))).not.toContain("canary");
  });

  test("bareSas drops what was pasted along", () => {
    expect(bareSas(" ?sv=1&sig=a\n")).toBe("sv=1&sig=a");
    expect(bareSas("&sv=1")).toBe("sv=1");
  });
});

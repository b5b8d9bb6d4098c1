import { AmlError } from "@aml/core";
import { bindParameters } from "@aml/core/sql";
import { describe, expect, test } from "vitest";
import { NETWORK, STATES, toError, WORDS, type Attempt } from "../src/errors.ts";

const attempt: Attempt = {
  host: "db.example.com",
  port: 5432,
  database: "shop",
  user: "ada",
  credential: "password",
};
const state = (code: string, message = "the server's words", more: object = {}): Error =>
  Object.assign(new Error(message), { code, severity: "ERROR", ...more });

describe("SQLSTATE", () => {
  test.each([
    ["28P01", "auth_failed"],
    ["28000", "auth_failed"],
    ["3D000", "not_found"],
    ["42P01", "not_found"],
    ["3F000", "not_found"],
    ["42501", "permission_denied"],
    ["25006", "unsupported"],
    ["25001", "unsupported"],
    ["0A000", "unsupported"],
    ["57014", "timeout"],
    ["57P01", "unavailable"],
    ["57P03", "unavailable"],
    ["57P05", "unavailable"],
    ["40001", "unavailable"],
    ["40P01", "unavailable"],
    ["08006", "unavailable"],
    ["53300", "rate_limited"],
    ["53100", "resource_exhausted"],
    ["53200", "resource_exhausted"],
    ["54000", "resource_exhausted"],
    ["55000", "unavailable"],
    ["22012", "query_failed"],
    ["42601", "query_failed"],
    ["42703", "query_failed"],
    ["XX000", "query_failed"],
  ])("%s is %s", (code, expected) => {
    const error = toError(state(code), attempt);
    expect([error.code, error.context["sqlState"]]).toEqual([expected, code]);
    expect(error.message).toMatch(/\S.*\.$/s);
  });

  test("every row of the table is tried above", () => {
    expect(Object.keys(STATES)).toHaveLength(18);
  });
});

describe("network and driver", () => {
  test.each([
    ["ENOTFOUND", "not_found"],
    ["EAI_NONAME", "not_found"],
    ["EAI_AGAIN", "unavailable"],
    ["ECONNREFUSED", "unavailable"],
    ["ETIMEDOUT", "unavailable"],
    ["EHOSTUNREACH", "unavailable"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "unavailable"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "unavailable"],
    ["CERT_HAS_EXPIRED", "unavailable"],
    ["ECONNRESET", "unavailable"],
    ["EPIPE", "unavailable"],
  ])("%s is %s", (code, expected) => {
    const error = toError(Object.assign(new Error("low words"), { code }), attempt);
    expect([error.code, error.context["networkCode"]]).toEqual([expected, code]);
    expect(NETWORK.some(([pattern]) => pattern.test(code))).toBe(true);
  });

  test.each([
    ["The server does not support SSL connections", "config_invalid"],
    ["timeout exceeded when trying to connect", "unavailable"],
    ["Connection terminated unexpectedly", "unavailable"],
    ["Client was closed and is not queryable", "unavailable"],
    ["SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string", "auth_failed"],
    ["Cannot use a pool after calling end on the pool", "config_invalid"],
    ["something nobody has heard of", "internal"],
  ])("%s is %s", (message, expected) => {
    expect(toError(new Error(message), attempt).code).toBe(expected);
    expect(WORDS.some(([pattern]) => pattern.test(message))).toBe(expected !== "internal");
  });

  test("an AmlError stays what it is", () => {
    const error = new AmlError("auth_failed", "No token.");
    expect(toError(error, attempt)).toBe(error);
  });

  test("a token's user is told about roles, a password's about the password", () => {
    expect(toError(state("28P01"), attempt).hint).toContain("password");
    expect(toError(state("28P01"), { ...attempt, credential: "identity" }).hint).toContain("Entra");
  });
});

describe("the place of a mistake", () => {
  const dialect = { placeholder: (index: number) => `$${index}`, quotes: { "'": "'" } };
  const at = (text: string, position: number, prefix = 10, parameters = {}): AmlError => {
    const bound = bindParameters({ text, parameters }, dialect);
    return toError(state("42601", "syntax error", { position: String(position) }), {
      ...attempt,
      statement: { bound, prefix },
    });
  };

  test("is counted in characters of the statement as it was given", () => {
    const text = "select '\u{1F600}', :long_name,\n  frm";
    const error = at(text, 10 + [..."select '\u{1F600}', $1,\n  frm"].length - 2, 10, { long_name: 1 });
    expect(error).toMatchObject({ code: "query_failed", context: { line: 2, column: 3 } });
    expect(error.message).toContain("line 2, column 3:\n    frm\n    ^");
  });

  test("at the first word, a command that gives no rows is unsupported; a slip of the pen is not", () => {
    expect(at("  -- x\n delete from t", 10 + 9).code).toBe("unsupported");
    expect(at("selec 1", 10 + 1).code).toBe("query_failed");
    expect(at("select delete", 10 + 8).code).toBe("query_failed");
  });

  test("before the statement there is none", () => {
    expect(at("select 1", 3).context).not.toHaveProperty("line");
  });
});

import { type Expr, type ExprFunction, isAmlError } from "@aml/core";
import { filterColumns, formatFilter, parseFilter } from "@aml/core/plan";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { anyText } from "./any-text.ts";

const col = (name: string): Expr => ({ col: name });
const lit = (value: string | number | boolean | null): Expr => ({ lit: value });
const call = (fn: ExprFunction, ...args: Expr[]): Expr => ({ fn, args });
const [a, b, c] = [col("a"), col("b"), col("c")];
const [one, two] = [lit(1), lit(2)];

describe("parseFilter", () => {
  test.each<[string, Expr]>([
    [`col("FBI Code") == "11"`, call("==", col("FBI Code"), lit("11"))],
    [`col('x')=='it"s'`, call("==", col("x"), lit('it"s'))],
    [`feature_1 == "5"`, call("==", col("feature_1"), lit("5"))],
    [
      `col("temperature") > 32 and col("location") == "UK"`,
      call("and", call(">", col("temperature"), lit(32)), call("==", col("location"), lit("UK"))),
    ],
    [
      "Date >= datetime(2015, 7, 5, 23)",
      call(">=", col("Date"), call("datetime", lit(2015), lit(7), lit(5), lit(23))),
    ],
    [`Description.startswith("FINANCIAL")`, call("starts_with", col("Description"), lit("FINANCIAL"))],
    ["größe < 1", call("<", col("größe"), one)],
    ["  a\n\t==\n1 ", call("==", a, one)],
    ["datetime == len", call("==", col("datetime"), col("len"))],
    // Precedence.
    ["a and b or c", call("or", call("and", a, b), c)],
    ["a or b and c", call("or", a, call("and", b, c))],
    ["a and b and c", call("and", a, b, c)],
    ["a and (b and c)", call("and", a, call("and", b, c))],
    ["not a == b", call("not", call("==", a, b))],
    ["not a and b", call("and", call("not", a), b)],
    ["not not a", call("not", call("not", a))],
    ["a < b == c", call("and", call("<", a, b), call("==", b, c))],
    ["1 < a < 5", call("and", call("<", one, a), call("<", a, lit(5)))],
    ["a < b is not None", call("and", call("<", a, b), call("is_not_null", b))],
    ["c and 1 < a < 2", call("and", c, call("and", call("<", one, a), call("<", a, two)))],
    ["(a < b) == c", call("==", call("<", a, b), c)],
    ["1 + 2 * a", call("+", one, call("*", two, a))],
    ["a - b - c", call("-", call("-", a, b), c)],
    ["a - (b - c)", call("-", a, call("-", b, c))],
    ["a / b // c % 2", call("%", call("//", call("/", a, b), c), two)],
    ["-2 ** 2", call("negate", call("**", two, two))],
    ["(-2) ** 2", call("**", lit(-2), two)],
    ["2 ** -1", call("**", two, lit(-1))],
    ["a ** b ** c", call("**", a, call("**", b, c))],
    ["-a * b", call("*", call("negate", a), b)],
    ["-a.length()", call("negate", call("length", a))],
    ["- -a", call("negate", call("negate", a))],
    ["a - -1", call("-", a, lit(-1))],
    ["-(1)", call("negate", one)],
    ["a + b < c * 2", call("<", call("+", a, b), call("*", c, two))],
    ["(a == 1) & (b == 2)", call("and", call("==", a, one), call("==", b, two))],
    [
      "(a == 1) | ~(b == 2) & c",
      call("or", call("==", a, one), call("and", call("not", call("==", b, two)), c)),
    ],
    ["~a & b", call("and", call("not", a), b)],
    // Tests.
    ["a is None", call("is_null", a)],
    ["a is (None)", call("is_null", a)],
    ["a is None == b", call("and", call("is_null", a), call("is_null", b))],
    ["a is not None", call("is_not_null", a)],
    ["a == None", call("is_null", a)],
    ["None == a", call("is_null", a)],
    ["a != None", call("is_not_null", a)],
    ["a.is_null()", call("is_null", a)],
    ["not a.is_error()", call("not", call("is_error", a))],
    ["a in (1, -2, 'x', None)", call("in", a, one, lit(-2), lit("x"), lit(null))],
    ["a in (1,)", call("in", a, one)],
    ["a in [1]", call("in", a, one)],
    ["a in [1, 2,]", call("in", a, one, two)],
    ["a in []", call("in", a)],
    ["a not in [True]", call("not_in", a, lit(true))],
    ["not a in [1]", call("not", call("in", a, one))],
    [
      "a + 1 in [datetime(2025, 1, 31)]",
      call("in", call("+", a, one), call("datetime", lit(2025), one, lit(31))),
    ],
    // Methods.
    ["a.endswith('x')", call("ends_with", a, lit("x"))],
    ["a.starts_with(b)", call("starts_with", a, b)],
    ["a.ends_with(b)", call("ends_with", a, b)],
    ["a.contains('x')", call("contains", a, lit("x"))],
    [
      "a.lower().to_upper().upper().to_lower()",
      call("to_lower", call("to_upper", call("to_upper", call("to_lower", a)))),
    ],
    ["a.substring(1)", call("substring", a, one)],
    ["a.substring(1, b + 1)", call("substring", a, one, call("+", b, one))],
    [
      "a.find('x') == a.index_of('x')",
      call("==", call("index_of", a, lit("x")), call("index_of", a, lit("x"))),
    ],
    ["len(a) > a.length()", call(">", call("length", a), call("length", a))],
    ["a['x']", call("field", a, lit("x"))],
    [
      "col('a b')[\"c'd\"] [''].lower() == 'x'",
      call("==", call("to_lower", call("field", call("field", col("a b"), lit("c'd")), lit(""))), lit("x")),
    ],
    ["a['x'] in ['y']", call("in", call("field", a, lit("x")), lit("y"))],
    ["a.strip()", call("strip", a)],
    ["abs(a - b) < 1", call("<", call("abs", call("-", a, b)), one)],
    ["abs == 1", call("==", col("abs"), one)],
    ["a.year == 1", call("==", call("year", a), one)],
    ["a.microsecond", call("microsecond", a)],
    ["a.second.year", call("year", call("second", a))],
    ["a.weekday() in [1]", call("in", call("weekday", a), one)],
    ["year", col("year")],
    ["datetime(2025, 1, 31).day", call("day", call("datetime", lit(2025), one, lit(31)))],
    ["'abc'.contains(a)", call("contains", lit("abc"), a)],
    ["(a + b).lower()", call("to_lower", call("+", a, b))],
    // Literals.
    ["1_000", lit(1000)],
    ["0", lit(0)],
    ["-0.0", lit(0)],
    ["1.", lit(1)],
    [".5", lit(0.5)],
    ["1_0.2_5e-1_0", lit(10.25e-10)],
    ["9007199254740991", lit(9007199254740991)],
    ["9007199254740992", { int: "9007199254740992" }],
    ["-9_223_372_036_854_775_808", { int: "-9223372036854775808" }],
    ["9007199254740993.0", lit(9007199254740992)],
    ["1e300", lit(1e300)],
    ["True", lit(true)],
    ["False", lit(false)],
    ["None", lit(null)],
    [String.raw`"\\\'\"\a\b\f\n\r\t\v\0\101\x41\u00e9\U0001F600"`, lit("\\'\"\x07\b\f\n\r\t\v\0AAé😀")],
    [String.raw`'\d\w\ '`, lit(String.raw`\d\w\ `)],
    ['"a\\\nb"', lit("ab")],
    ["'#{}$`'", lit("#{}$`")],
    ["datetime(4, 2, 29)", call("datetime", lit(4), two, lit(29))],
    [
      "datetime(9999, 12, 31, 23, 59, 59, 999999)",
      call("datetime", lit(9999), lit(12), lit(31), lit(23), lit(59), lit(59), lit(999_999)),
    ],
  ])("%s", (text, expr) => {
    expect(parseFilter(text)).toEqual(expr);
    expect(parseFilter(formatFilter(expr))).toEqual(expr);
    expect(JSON.parse(JSON.stringify(parseFilter(text)))).toEqual(expr);
  });

  test.each([
    "",
    " ",
    "a ==",
    "== a",
    "a b",
    "a 1",
    "a == 1)",
    "(a == 1",
    "a = 1",
    "a === 1",
    "a <> 1",
    "a && b",
    "a || b",
    "!a",
    "a ? b : c",
    "a; b",
    "a == 1 # yes",
    "a, b",
    "(a, b)",
    "[a]",
    "[1, 2]",
    "{'a': 1}",
    "{a}",
    "a[0]",
    "col('a')[0]",
    "__import__('os').system('id')",
    "a.__class__",
    "__class__",
    "().__class__.__bases__",
    "a.constructor",
    "a.constructor()",
    "a.toString()",
    "constructor('x')",
    "toString()",
    "a.format('x')",
    "a.lower",
    "a.strip",
    "a.year()",
    "a.years",
    "a.week",
    "a.weekday",
    "a.abs()",
    "abs()",
    "abs(a, b)",
    "strip(a)",
    "year(a)",
    "a.year.",
    "a.lower(",
    "a.lower(1)",
    "a.len()",
    "a.datetime(1, 1)",
    "a.col('x')",
    "a.contains()",
    "a.contains('x', 'y')",
    "a.contains(x='y')",
    "len()",
    "len(a, b)",
    "eval('1')",
    "exec('1')",
    "open('/etc/passwd')",
    "read_text('x')",
    "datetime.now()",
    "datetime.datetime(2020, 1, 1)",
    "datetime()",
    "datetime(2020)",
    "datetime(2020, 13, 1)",
    "datetime(2019, 2, 29)",
    "datetime(1900, 2, 29)",
    "datetime(0, 1, 1)",
    "datetime(2020, 1, 1, 24)",
    "datetime(2020, 1, 1, 0, 0, 60)",
    "datetime(2020, 1, 1, 0, 0, 0, 1000000)",
    "datetime(2020, 1, 1, 0, 0, 0, 0, 0)",
    "datetime(2020, 1, -1)",
    "datetime(2020.5, 1, 1)",
    "datetime(a, 1, 1)",
    "datetime('2020', 1, 1)",
    "col()",
    "col(a)",
    "col(1)",
    "col('a', 'b')",
    "col('a' 'b')",
    "col('a').col('b')",
    "lambda: 1",
    "lambda",
    "(lambda x: x)(1)",
    "a if b else c",
    "[x for x in a]",
    "any(x for x in a)",
    "(a := 1)",
    "a := 1",
    "import os",
    "f'{a}'",
    "r'a'",
    "b'a'",
    "'a' 'b'",
    "'''a'''",
    "'a",
    '"a\nb"',
    "'a\\",
    "'\\x4'",
    "'\\u12'",
    "'\\U00110000'",
    "'\\N{BULLET}'",
    "012",
    "0x10",
    "1__0",
    "1_",
    "1j",
    "1e999",
    "1.2.3",
    "5.lower()",
    "a @ b",
    "a ^ b",
    "a << 1",
    "a -> b",
    "*a",
    "**a",
    "+a",
    "a == not b",
    "a not b",
    "a is 1",
    "a is True",
    "a is None + 1",
    "a is None.length()",
    "a in [1] + b",
    "a in [1] * 2",
    "a in [1] is None",
    "datetime(2020, 1, 1, 1, -1)",
    "a in 1",
    "a in b",
    "'x' in a",
    "a in (1)",
    "a in ('x')",
    "a in [b]",
    "a in [1 2]",
    "a in [,]",
    "a in (,)",
    "a in [[1]]",
    "a in [1",
    "a in [1] == True",
    "a == 1 & b == 2",
    "a == 1 | b",
    "~a == b",
    "a == ~b",
    "true",
    "a == null",
    "$a",
    "`a`",
    "a\\b",
    "a == \u201Cx\u201D",
    "\0",
    "a == 1; DROP TABLE t",
    "SELECT 1",
    "a BETWEEN 1 AND 2",
    "a LIKE 'x%'",
  ])("refuses %j", (text) => {
    expect(() => parseFilter(text)).toThrow(expect.objectContaining({ code: "plan_invalid" }));
  });

  test("points at the place", () => {
    const filter = 'fare > 10 and\ncol("x").shell("rm")';
    try {
      parseFilter(filter);
      expect.unreachable();
    } catch (error) {
      if (!isAmlError(error)) throw error;
      expect(error.context).toEqual({ position: 23, length: 5, filter });
      expect(error.message).toBe(
        'Filter, column 24: shell is not allowed here.\n  fare > 10 and col("x").shell("rm")\n' +
          "                         ^^^^^",
      );
      expect(error.hint).toMatch(/col\("name"\).*startswith/);
    }
  });

  test.each([
    ["a ==", 4, /ends too early/],
    ["a = 1", 2, /"=" is not part/],
    ["a == 'x", 5, /not closed/],
    ["a in ('x')", 9, /not allowed/],
    ["a == 1 & b == 2", 11, /bind tighter/],
    ["a == true", 5, /no meaning/],
    ["datetime(2019, 2, 29)", 0, /no date/],
  ])("%s: position %i", (filter, position, message) => {
    expect(() => parseFilter(filter)).toThrow(
      expect.objectContaining({
        context: expect.objectContaining({ position }),
        message: expect.stringMatching(message),
      }),
    );
  });

  test.each([
    ["parentheses", "(".repeat(100_000)],
    ["closed parentheses", `${"(".repeat(1000)}a${")".repeat(1000)}`],
    ["signs", `${"-".repeat(100_000)}a`],
    ["nots", `${"not ".repeat(50_000)}a`],
    ["tildes", `${"~".repeat(100_000)}a`],
    ["powers", `a${" ** a".repeat(40_000)}`],
    ["sums", `a${" + a".repeat(40_000)}`],
    ["methods", `a${".lower()".repeat(20_000)}`],
    ["doubling chains", `${"(a < ".repeat(150)}b${" < c)".repeat(150)}`],
    ["length", " ".repeat(300_000)],
    ["an open string", `"${"a".repeat(250_000)}`],
    ["backslashes", `"${"\\".repeat(250_001)}`],
    ["digits", "1_".repeat(100_000)],
    ["dots", ".".repeat(200_000)],
  ])("refuses too much of %s at once", (_, filter) => {
    const started = performance.now();
    expect(() => parseFilter(filter)).toThrow(expect.objectContaining({ code: "plan_invalid" }));
    expect(performance.now() - started).toBeLessThan(30_000);
  });

  test("takes long flat filters", () => {
    const many = Array.from({ length: 2000 }, (_, at) => `a == ${at}`).join(" or ");
    expect(formatFilter(parseFilter(many))).toBe(many.replaceAll("a ==", 'col("a") =='));
    const list = Array.from({ length: 10_000 }, (_, at) => String(at)).join(", ");
    expect(formatFilter(parseFilter(`a in [${list}]`))).toBe(`col("a") in [${list}]`);
    const digits = "9".repeat(1000);
    expect(parseFilter(digits)).toEqual({ int: digits });
  });

  test("throws nothing but plan_invalid, and what it takes prints stably", () => {
    const pieces = fc.constantFrom(
      ..."a b and or not in is None True ( ) [ ] , . == != < <= + - * / // % ** & | ~ 1 2.5 1e5 'x' \"y\" col('z')".split(
        " ",
      ),
      ...".lower() .contains('x') len(a) datetime(2020,1,1) lambda __x__ = ' \\ 99999999999999999 is not|not in".split(
        /[ |]/,
      ),
    );
    const texts = fc.oneof(
      anyText(30),
      fc.array(pieces, { maxLength: 12 }).map((all) => all.join(" ")),
    );
    let taken = 0;
    fc.assert(
      fc.property(texts, (text) => {
        try {
          const expr = parseFilter(text);
          const printed = formatFilter(expr);
          taken++;
          expect(parseFilter(printed)).toEqual(expr);
          expect(formatFilter(parseFilter(printed))).toBe(printed);
        } catch (error) {
          if (!isAmlError(error, "plan_invalid")) throw error;
        }
      }),
      { numRuns: 1000 },
    );
    expect(taken).toBeGreaterThan(10);
  });
});

describe("formatFilter", () => {
  test.each<[string, string]>([
    ["a==1", 'col("a") == 1'],
    ["1<a<5", '1 < col("a") and col("a") < 5'],
    ["(a)&(b)|(c)", 'col("a") and col("b") or col("c")'],
    ["a and (b or c)", 'col("a") and (col("b") or col("c"))'],
    ["(a == b) == c", '(col("a") == col("b")) == col("c")'],
    ["(not a) == b", '(not col("a")) == col("b")'],
    ["(a is None) is None", '(col("a") is None) is None'],
    ["a-(b-c)", 'col("a") - (col("b") - col("c"))'],
    ["(a**b)**c", '(col("a") ** col("b")) ** col("c")'],
    ["(-a)**2", '(-col("a")) ** 2'],
    ["-(1)", "-(1)"],
    ["(5).length()", "(5).length()"],
    ["a.find('it\\'s\\n')", 'col("a").index_of("it\'s\\n")'],
    ["a in ('x',None)", 'col("a") in ["x", None]'],
    ["a not in []", 'col("a") not in []'],
    ["1e20 + 99999999999999999999", "1e+20 + 99999999999999999999"],
    ["a.starts_with('x')", 'col("a").startswith("x")'],
    ["datetime(2020,1,2)", "datetime(2020, 1, 2)"],
  ])("%s", (text, canonical) => {
    expect(formatFilter(parseFilter(text))).toBe(canonical);
  });

  test("is undone by parseFilter, for any tree", () => {
    const text = anyText(5);
    const integer = fc
      .bigInt({ min: 2n ** 53n, max: 2n ** 80n })
      .chain((n) => fc.constantFrom(`${n}`, `-${n}`));
    const number = fc.oneof(
      fc.integer(),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
    );
    const literal: fc.Arbitrary<Expr> = fc.oneof(
      fc.record({ lit: text }),
      fc.record({ lit: number.map((n) => n || 0) }),
      fc.record({ lit: fc.constantFrom(true, false, null) }),
      fc.record({ int: integer }),
      fc.constant(call("datetime", lit(2024), two, lit(29), lit(12))),
    );
    const { tree } = fc.letrec<{ tree: Expr }>((tie) => {
      const args = (least: number, most = least): fc.Arbitrary<Expr[]> =>
        fc.array(tie("tree"), { minLength: least, maxLength: most });
      const make = (names: readonly string[], of: fc.Arbitrary<Expr[]>): fc.Arbitrary<Expr> =>
        fc.record({ fn: fc.constantFrom(...names) as fc.Arbitrary<"and">, args: of });
      return {
        tree: fc.oneof(
          { depthSize: "medium", withCrossShrink: true },
          fc.record({ col: text }),
          literal,
          fc
            .tuple(text, fc.array(text, { minLength: 1, maxLength: 3 }))
            .map(([name, names]) => names.reduce((of, within) => call("field", of, lit(within)), col(name))),
          make(
            ["not", "is_null", "is_not_null", "is_error", "negate", "length", "to_upper", "to_lower"],
            args(1),
          ),
          make(["strip", "abs", "year", "month", "day", "hour", "minute", "second", "weekday"], args(1)),
          make(["<", "<=", ">", ">=", "+", "-", "*", "/", "//", "%", "**", "contains"], args(2)),
          make(["starts_with", "ends_with", "index_of"], args(2)),
          make(
            ["==", "!="],
            args(2).filter((both) => !both.some((arg) => "lit" in arg && arg.lit === null)),
          ),
          make(["and", "or"], args(2, 4)),
          make(["substring"], args(2, 3)),
          make(
            ["in", "not_in"],
            fc.tuple(tie("tree"), fc.array(literal, { maxLength: 3 })).map(([x, list]) => [x, ...list]),
          ),
        ),
      };
    });
    fc.assert(
      fc.property(tree, (expr) => {
        const printed = formatFilter(expr);
        expect(parseFilter(printed)).toEqual(expr);
        expect(formatFilter(parseFilter(printed))).toBe(printed);
      }),
      { numRuns: 500 },
    );
  });
});

describe("filterColumns", () => {
  test("names each column once, in order", () => {
    expect(filterColumns(parseFilter("b > 1 and (a.contains(col('c d')) or b in [1])"))).toEqual([
      "b",
      "a",
      "c d",
    ]);
    expect(filterColumns(parseFilter("1 < 2"))).toEqual([]);
  });
});

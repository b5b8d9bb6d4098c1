import { expect, test } from "vitest";
import { createHarness, failureOf } from "./harness.ts";

const h = await createHarness();
const strict = { op: "read_json_lines" };
const lenient = { ...strict, invalid_lines: "drop" };

test("the largest and the least doubles are no invalid lines", async () => {
  const files = await h.files({
    "a.jsonl": '{"a":1.7976931348623157e308,"b":[1e308,"1e999",1e-999]}\n{"a":-1e-400,"b":[true,0e999]}\n',
  });
  expect(await h.rows([strict], files)).toEqual([
    { a: 1.7976931348623157e308, b: [1e308, "1e999", 0] },
    { a: -0, b: [true, 0] },
  ]);
});

test.each<[string, string | Uint8Array]>([
  ["a key twice", '{"b":1,"b":2}'],
  ["a key twice, once escaped", String.raw`{"b":1,"\u0062":2}`],
  ["a key twice in another order than before", '{"a":1,"b":2,"a":3}'],
  ["NaN", '{"b":NaN}'],
  ["infinity in a list", '{"b":[-Infinity]}'],
  ["nan in lower case", '{"b":[nan]}'],
  ["a number beyond a double", '{"b":1e400}'],
  ["a negative one, of a point", '{"b":-1.5E+309}'],
  ["one of many digits", `{"b":${"9".repeat(310)}.5}`],
  ["one in a list", '{"b":[1,{"c":2.5e308}]}'],
  ["a comma at the end", '{"b":1,}'],
  ["a comma at the end of a list", '{"b":[1,]}'],
  ["a comment", '{"b":[/*x*/1]}'],
  ["a leading zero", '{"b":01}'],
  ["half of a surrogate pair", String.raw`{"b":"\ud800"}`],
  ["half of a surrogate pair in a list", String.raw`{"b":["x\udc00"]}`],
  ["a control character", '{"b":"\u0001"}'],
  ["a NUL", '{"b":"x\0"}'],
  ["an unknown escape", String.raw`{"b":"\x"}`],
  ["an unknown escape in a key", String.raw`{"\x":1}`],
  ["bytes that are no UTF-8", Buffer.concat([Buffer.from('{"b":"'), Buffer.of(0xff), Buffer.from('"}')])],
  ["a key that is no UTF-8", Buffer.concat([Buffer.from('{"'), Buffer.of(0xff), Buffer.from('":1}')])],
  ["brackets that do not match", '{"b":[1}}'],
  ["a form feed", '\f{"b":1}'],
  ["a byte order mark in the middle", '\ufeff{"b":1}'],
  ["two objects", '{"b":1} {"b":2}'],
])("an invalid line: %s", async (_, line) => {
  const content = Buffer.concat([Buffer.from('{"a":1}\n'), Buffer.from(line), Buffer.from('\n{"a":2}')]);
  const files = await h.files({ "a.jsonl": content });
  expect(await failureOf(h.rows([strict], files))).toMatchObject({
    code: "parse_failed",
    context: { uri: files[0]?.uri, line: 2 },
  });
  // Neither its values nor a column of its own.
  expect(await h.rows([lenient], files)).toEqual([{ a: 1n }, { a: 2n }]);
  expect(await h.rows([lenient, { op: "take", count: 5 }], files)).toEqual([{ a: 1n }, { a: 2n }]);
});

test("numbers keep every digit, alone and among fractions, texts and structures", async () => {
  const rows = async (...lines: string[]) => h.rows([strict], await h.files({ "a.jsonl": lines.join("\n") }));
  expect(await rows('{"a":9007199254740993}', '{"a":1.5}')).toEqual([{ a: 9007199254740993n }, { a: 1.5 }]);
  expect(await rows('{"a":12345678901234567890123}', '{"a":1.5}')).toEqual([
    { a: 12345678901234567890123n },
    { a: 1.5 },
  ]);
  expect(await rows('{"a":9007199254740992}', '{"a":1.5}')).toEqual([{ a: 9007199254740992 }, { a: 1.5 }]);
  expect(await rows('{"a":12345678901234567890}', '{"a":"x"}')).toEqual([
    { a: 12345678901234567890n },
    { a: "x" },
  ]);
  expect(await rows('{"a":[18446744073709551615,1]}')).toEqual([{ a: [18446744073709551615n, 1] }]);
});

test("depth, escapes, late and mixed keys", async () => {
  const deep = `${"[".repeat(5_000)}${"]".repeat(5_000)}`;
  const lines = [
    `{"a":${deep}}`,
    String.raw`{"a":"\u00e9\n\"\\\/\ud83d\ude00\u0000"}`,
    '{"a":null}',
    '{"a":true,"z":{"x":null}}',
  ];
  const [first, ...rest] = await h.rows([strict], await h.files({ "a.jsonl": lines.join("\r\n") }));
  let depth = 0;
  for (let at: unknown = first?.["a"]; Array.isArray(at); at = at[0]) depth += 1;
  expect(depth).toBe(5_000);
  expect(rest).toEqual([
    { a: 'é\n"\\/😀\0', z: null },
    { a: null, z: null },
    { a: true, z: { x: null } },
  ]);
});

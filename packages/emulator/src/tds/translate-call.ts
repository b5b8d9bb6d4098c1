import { pgType } from "./pg-types.ts";
import { argumentTexts, closing, isSymbol, outside, peek, take, type Reading } from "./reading.ts";
import { quoteString } from "./sql-emitter.ts";
import { SqlError, syntaxError, unsupported } from "./sql-error.ts";
import { readType, type SqlType } from "./sql-type.ts";
import type { Token } from "./tokenizer.ts";

const UNSUPPORTED: ReadonlySet<string> = new Set(
  `try_cast try_convert parse try_parse iif dateadd datediff datediff_big datepart datename eomonth format openjson
  openrowset opendatasource openquery string_split json_value json_query`.split(/\s+/),
);

/** Calls with types, or with an order of its own, in their arguments. @returns false for all others. */
export function translateCall(reading: Reading, token: Token): boolean {
  switch (token.word) {
    case "cast":
      translateCast(reading, token);
      return true;
    case "convert":
      translateConvert(reading, token);
      return true;
    case "charindex": {
      take(reading, "strpos(", 2);
      const [what, where, from] = argumentTexts(reading, token);
      if (what === undefined || where === undefined || from !== undefined) {
        throw unsupported("CHARINDEX with a start", token.line);
      }
      reading.out.emit(`${where}, ${what})`);
      return true;
    }
    case "suser_sname":
    case "suser_name":
    case "original_login":
      reading.at += 2;
      if (!isSymbol(peek(reading), ")")) throw unsupported(token.text.toUpperCase(), token.line);
      take(reading, quoteString(reading.scope.login));
      return true;
    default:
      if (UNSUPPORTED.has(token.word)) throw unsupported(token.text.toUpperCase(), token.line);
      return false;
  }
}

function translateCast(reading: Reading, token: Token): void {
  reading.at += 2;
  const [as] = outside(reading, closing(reading, token), ({ word }) => word === "as");
  if (as === undefined) throw syntaxError(token.text, token.line);
  const { type, end } = readType(reading.tokens, as + 1, 30);
  if (!isSymbol(reading.tokens[end], ")")) throw syntaxError(reading.tokens[end]?.text ?? "as", token.line);
  translateTyped(reading, token, type, as);
  reading.at = end + 1;
}

/** The styles in which PostgreSQL reads and writes anyway. */
const STYLES: ReadonlySet<string> = new Set(["0", "20", "21", "23", "120", "121", "126", "127"]);

function translateConvert(reading: Reading, token: Token): void {
  reading.at += 2;
  const { type, end } = readType(reading.tokens, reading.at, 30);
  if (!isSymbol(reading.tokens[end], ","))
    throw syntaxError(reading.tokens[end]?.text ?? "convert", token.line);
  reading.at = end + 1;
  const close = closing(reading, token);
  const [comma] = outside(reading, close, (one) => isSymbol(one, ","));
  const style = comma === undefined ? "0" : reading.tokens[comma + 1]?.text;
  if (!STYLES.has(style ?? "") || (comma !== undefined && comma + 2 !== close)) {
    const message = `${style} is not a valid style number in this emulator's dialect of SQL.`;
    throw new SqlError(281, 16, message, token.line);
  }
  translateTyped(reading, token, type, comma ?? close);
  reading.at = close + 1;
}

/** What stands up to `end`, as a value of a type. */
function translateTyped(reading: Reading, token: Token, type: SqlType, end: number): void {
  const only = end === reading.at + 1 ? peek(reading) : undefined;
  const literal = only?.kind === "string" ? only : undefined;
  if (literal && type.name === "bit" && /^(true|false)$/i.test(literal.text)) {
    reading.out.emit(`cast(${literal.text.toLowerCase() === "true" ? 1 : 0} as sys.bit)`, token);
    return;
  }
  reading.out.emit("cast(", token);
  if (literal && type.name.endsWith("binary")) {
    const bytes = Buffer.from(literal.text, literal.national ? "utf16le" : "latin1");
    reading.out.emit(`'\\x${bytes.toString("hex")}'`);
  } else reading.translateTo(reading, end);
  reading.out.emit(`as ${pgType(type)})`);
}

import { AmlError, type Encoding, type FileRef } from "@aml/core";
import type { StageTransform } from "./stage-transform.ts";

/** A decoder of one file: bytes in, text out; `flush` ends the file. Offsets count bytes of the source. */
interface Decoder {
  decode(chunk: Uint8Array): string;
  flush(): string;
}

/**
 * Turns text of another encoding into UTF-8 without a byte order mark, and checks text that is UTF-8 already.
 *
 * `latin1` and `iso88591` are windows-1252, as the WHATWG has it, and Azure ML too: 0x80 is €, and the five bytes that
 * no character is defined for are control characters. `utf16` and `utf32` follow the byte order mark and are little-endian without one.
 *
 * Iterating throws `parse_failed`, with the file and the byte offset, for bytes that are not of the encoding.
 */
export function transcode(encoding: Encoding): StageTransform {
  return {
    id: `utf8-from-${encoding}-2`,
    async *apply(chunks, file) {
      const decoder = createDecoder(encoding, file);
      const encoder = new TextEncoder();
      let first = true;
      const strip = (text: string): string => {
        if (text === "") return text;
        const out = first && text.codePointAt(0) === 0xfeff ? text.slice(1) : text;
        first = false;
        return out;
      };
      for await (const chunk of chunks) {
        const text = strip(decoder.decode(chunk));
        if (text !== "") yield encoder.encode(text);
      }
      const rest = strip(decoder.flush());
      if (rest !== "") yield encoder.encode(rest);
    },
  };
}

function createDecoder(encoding: Encoding, file: FileRef): Decoder {
  switch (encoding) {
    case "utf8":
    case "utf8bom":
      return unicodeDecoder("utf-8", encoding, file);
    case "utf16":
      return utf16Decoder(file);
    case "utf32":
      return utf32Decoder(file);
    case "ascii":
      return byteDecoder(file, encoding, (byte) => byte < 0x80);
    case "latin1":
    case "iso88591":
    case "windows1252":
      return windowsDecoder();
  }
}

function invalid(file: FileRef, encoding: Encoding, offset: number): AmlError {
  return new AmlError(
    "parse_failed",
    `${file.uri} is not ${encoding} text: invalid bytes at byte ${offset}.`,
    {
      hint: "Set the encoding that the file is written in (utf8, utf16, utf32, latin1, windows1252), or repair the file.",
      context: { uri: file.uri, encoding, byteOffset: offset },
    },
  );
}

/** A fatal decoder does not say where it failed, so the failing chunk is searched again, in halves. */
function unicodeDecoder(
  label: "utf-8" | "utf-16le" | "utf-16be",
  encoding: Encoding,
  file: FileRef,
): Decoder {
  const decoder = new TextDecoder(label, { fatal: true, ignoreBOM: true });
  let carried: Uint8Array = new Uint8Array(0);
  let offset = 0;
  return {
    decode(chunk) {
      const joined = carried.length === 0 ? chunk : Buffer.concat([carried, chunk]);
      const end = completeLength(label, joined);
      const whole = joined.subarray(0, end);
      try {
        const text = decoder.decode(whole);
        offset += end;
        carried = joined.slice(end);
        return text;
      } catch {
        throw invalid(file, encoding, offset + validPrefix(label, whole));
      }
    },
    flush() {
      if (carried.length > 0) throw invalid(file, encoding, offset);
      return "";
    },
  };
}

/** Length of the prefix that ends between two characters; at most 3 bytes are left over. */
function completeLength(label: string, bytes: Uint8Array): number {
  if (label !== "utf-8") {
    const even = bytes.length - (bytes.length % 2);
    const high = bytes[label === "utf-16le" ? even - 1 : even - 2];
    return high !== undefined && high >= 0xd8 && high <= 0xdb ? even - 2 : even;
  }
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return bytes.length;
    if (byte >= 0xc0) {
      const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return needs > back ? bytes.length - back : bytes.length;
    }
  }
  return bytes.length;
}

function validPrefix(label: string, bytes: Uint8Array): number {
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (isValidPrefix(label, bytes.subarray(0, middle))) low = middle;
    else high = middle - 1;
  }
  return completeLength(label, bytes.subarray(0, low));
}

function isValidPrefix(label: string, bytes: Uint8Array): boolean {
  try {
    new TextDecoder(label, { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}

function utf16Decoder(file: FileRef): Decoder {
  let inner: Decoder | undefined;
  let head: Uint8Array = new Uint8Array(0);
  return {
    decode(chunk) {
      if (inner !== undefined) return inner.decode(chunk);
      head = Buffer.concat([head, chunk]);
      if (head.length < 2) return "";
      inner = unicodeDecoder(head[0] === 0xfe && head[1] === 0xff ? "utf-16be" : "utf-16le", "utf16", file);
      return inner.decode(head);
    },
    flush() {
      if (inner !== undefined) return inner.flush();
      if (head.length > 0) throw invalid(file, "utf16", 0);
      return "";
    },
  };
}

function utf32Decoder(file: FileRef): Decoder {
  let carried: Uint8Array = new Uint8Array(0);
  let littleEndian: boolean | undefined;
  let offset = 0;
  return {
    decode(chunk) {
      const bytes = Buffer.concat([carried, chunk]);
      if (littleEndian === undefined && bytes.length >= 4) littleEndian = bytes.readUInt32BE(0) !== 0xfeff;
      const end = bytes.length - (bytes.length % 4);
      const parts: string[] = [];
      for (let at = 0; at < end; at += 4) {
        const point = littleEndian === true ? bytes.readUInt32LE(at) : bytes.readUInt32BE(at);
        if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) {
          throw invalid(file, "utf32", offset + at);
        }
        parts.push(String.fromCodePoint(point));
      }
      offset += end;
      carried = bytes.subarray(end);
      return parts.join("");
    },
    flush() {
      if (carried.length > 0) throw invalid(file, "utf32", offset);
      return "";
    },
  };
}

function byteDecoder(file: FileRef, encoding: Encoding, accepts: (byte: number) => boolean): Decoder {
  let offset = 0;
  return {
    decode(chunk) {
      const bad = chunk.findIndex((byte) => !accepts(byte));
      if (bad >= 0) throw invalid(file, encoding, offset + bad);
      offset += chunk.length;
      return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    },
    flush: () => "",
  };
}

function windowsDecoder(): Decoder {
  const decoder = new TextDecoder("windows-1252");
  return { decode: (chunk) => decoder.decode(chunk), flush: () => "" };
}

import { ByteReader } from "./byte-reader.ts";
import { ProtocolError } from "./protocol-error.ts";

export interface Login {
  /** 0x74000004 is TDS 7.4, 0x08000000 is TDS 8.0. */
  readonly version: number;
  readonly packetSize: number;
  readonly username: string;
  readonly password: string;
  readonly application: string;
  readonly database: string;
  /** ApplicationIntent=ReadOnly. */
  readonly readOnly: boolean;
  /** The client asks for the login of its operating system, which this server does not know. */
  readonly integrated: boolean;
  readonly utf8: boolean;
  /** A token, or that one will follow. */
  readonly federated: { readonly token: string | undefined } | undefined;
}

const FEATURE = { federated: 0x02, utf8: 0x0a, end: 0xff };
const LIBRARY_TOKEN = 1;
const FIXED = 94;

/**
 * @see https://learn.microsoft.com/openspecs/windows_protocols/ms-tds/773a62b6-ee89-4c02-9e5e-344882630aac – read 2026-11
 * @throws ProtocolError
 */
export function parseLogin(data: Buffer): Login {
  if (data.length < FIXED || data.readUInt32LE(0) > data.length)
    throw new ProtocolError("LOGIN7 is too short");
  const part = (at: number, unit: number): Buffer => {
    const offset = data.readUInt16LE(at);
    const end = offset + data.readUInt16LE(at + 2) * unit;
    if (end > data.length) throw new ProtocolError("LOGIN7 points past its end");
    return data.subarray(offset, end);
  };
  const text = (at: number): string => part(at, 2).toString("utf16le");
  const extended = (data.readUInt8(27) & 0x10) !== 0;
  const features = extended ? parseFeatures(data, part(56, 1)) : { utf8: false, federated: undefined };
  return {
    version: data.readUInt32LE(4),
    packetSize: data.readUInt32LE(8),
    username: text(40),
    password: Buffer.from(part(44, 2).map(unscramble)).toString("utf16le"),
    application: text(48),
    database: text(68),
    readOnly: (data.readUInt8(26) & 0x20) !== 0,
    integrated: (data.readUInt8(25) & 0x80) !== 0,
    ...features,
  };
}

function unscramble(byte: number): number {
  const plain = byte ^ 0xa5;
  return ((plain << 4) | (plain >> 4)) & 0xff;
}

function parseFeatures(data: Buffer, pointer: Buffer): Pick<Login, "utf8" | "federated"> {
  const offset = new ByteReader(pointer).u32();
  if (offset > data.length) throw new ProtocolError("LOGIN7 points past its end");
  const reader = new ByteReader(data.subarray(offset));
  let utf8 = false;
  let federated: Login["federated"];
  for (;;) {
    const feature = reader.u8();
    if (feature === FEATURE.end) return { utf8, federated };
    const value = new ByteReader(reader.bytes(reader.u32()));
    if (feature === FEATURE.utf8) utf8 = value.u8() === 1;
    if (feature === FEATURE.federated) {
      const library = value.u8() >> 1;
      federated = {
        token: library === LIBRARY_TOKEN ? value.bytes(value.u32()).toString("utf16le") : undefined,
      };
    }
  }
}

/** The message with which a client sends the token that FEDAUTHINFO asked for. */
export function parseFederatedToken(data: Buffer): string {
  const reader = new ByteReader(data);
  reader.u32();
  return reader.bytes(reader.u32()).toString("utf16le");
}

import { ByteWriter } from "./byte-writer.ts";
import type { SqlServerError } from "./sql-error.ts";

const TOKEN = {
  returnStatus: 0x79,
  returnValue: 0xac,
  error: 0xaa,
  info: 0xab,
  loginAck: 0xad,
  featureAck: 0xae,
  environment: 0xe3,
  federatedInfo: 0xee,
};

/** Ends a statement, a statement in a procedure, or a procedure. */
export const DONE = { statement: 0xfd, inProcedure: 0xff, procedure: 0xfe } as const;
export const DONE_STATUS = {
  more: 0x01,
  error: 0x02,
  transaction: 0x04,
  count: 0x10,
  attention: 0x20,
} as const;

export const ENVIRONMENT = {
  database: 1,
  language: 2,
  packetSize: 4,
  collation: 7,
  begin: 8,
  commit: 9,
  rollback: 10,
  reset: 18,
} as const;

/** SQL_Latin1_General_CP1_CI_AS, the default of Azure SQL: code page 1252. */
export const COLLATION: Buffer = Buffer.from([0x09, 0x04, 0xd0, 0x00, 0x34]);

/** What LOGINACK and the errors call the server. */
export const SERVER_NAME = "aml-emulator";

const SELECT = 0xc1;

export function writeDone(
  out: ByteWriter,
  token: number,
  status: number,
  count = 0,
  command: number = SELECT,
): void {
  out.u8(token).u16(status).u16(command).u64(BigInt(count));
}

export function writeError(out: ByteWriter, error: SqlServerError): void {
  writeMessage(out, TOKEN.error, error);
}

export function writeInfo(out: ByteWriter, info: SqlServerError): void {
  writeMessage(out, TOKEN.info, info);
}

function writeMessage(out: ByteWriter, token: number, error: SqlServerError): void {
  const body = new ByteWriter();
  body
    .i32(error.number)
    .u8(error.state ?? 1)
    .u8(error.severity);
  body
    .longText(error.message.slice(0, 2048))
    .shortText(SERVER_NAME)
    .shortText("")
    .i32(error.line ?? 1);
  out.u8(token).u16(body.length).bytes(body.take());
}

export function writeEnvironment(out: ByteWriter, type: number, now: string, before: string): void {
  const body = new ByteWriter().u8(type).shortText(now).shortText(before);
  out.u8(TOKEN.environment).u16(body.length).bytes(body.take());
}

/** For the types whose values are bytes. */
export function writeEnvironmentBytes(out: ByteWriter, type: number, now: Buffer, before: Buffer): void {
  const body = new ByteWriter().u8(type).u8(now.length).bytes(now).u8(before.length).bytes(before);
  out.u8(TOKEN.environment).u16(body.length).bytes(body.take());
}

export function writeLoginAck(out: ByteWriter, version: number): void {
  const body = new ByteWriter().u8(1);
  // Big-endian here, little-endian in LOGIN7.
  const tds = Buffer.alloc(4);
  tds.writeUInt32BE(version);
  body
    .bytes(tds)
    .shortText("Microsoft SQL Server")
    .bytes(Buffer.from([16, 0, 0, 0]));
  out.u8(TOKEN.loginAck).u16(body.length).bytes(body.take());
}

export function writeFeatureAck(out: ByteWriter, features: { federated: boolean; utf8: boolean }): void {
  if (!features.federated && !features.utf8) return;
  out.u8(TOKEN.featureAck);
  if (features.federated) out.u8(0x02).u32(0);
  if (features.utf8) out.u8(0x0a).u32(1).u8(1);
  out.u8(0xff);
}

/** Where the client gets its token, and for whom. */
export function writeFederatedInfo(out: ByteWriter, authorityUrl: string, audience: string): void {
  const values = [
    [0x01, Buffer.from(authorityUrl, "utf16le")],
    [0x02, Buffer.from(audience, "utf16le")],
  ] as const;
  const body = new ByteWriter().u32(values.length);
  let offset = 4 + values.length * 9;
  for (const [id, value] of values) {
    body.u8(id).u32(value.length).u32(offset);
    offset += value.length;
  }
  for (const [, value] of values) body.bytes(value);
  out.u8(TOKEN.federatedInfo).u32(body.length).bytes(body.take());
}

export function writeReturnStatus(out: ByteWriter, status: number): void {
  out.u8(TOKEN.returnStatus).i32(status);
}

/** An output parameter of type int: the handle of a prepared statement. */
export function writeReturnInt(out: ByteWriter, name: string, value: number): void {
  out.u8(TOKEN.returnValue).u16(0).shortText(name).u8(0x01).u32(0).u16(0);
  out.u8(0x26).u8(4).u8(4).i32(value);
}

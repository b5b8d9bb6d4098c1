import { ProtocolError } from "./protocol-error.ts";

/** What the two sides say about encryption before they sign in. */
export const ENCRYPT = { off: 0, on: 1, notSupported: 2, required: 3 } as const;

const OPTION = { version: 0, encryption: 1, instance: 2, thread: 3, mars: 4, federated: 6, end: 0xff };
// 16.0: the version that LOGINACK names too.
const VERSION = Buffer.from([16, 0, 0, 0, 0, 0]);

export interface Prelogin {
  readonly encryption: number;
  /** The client can sign in with a token of Entra ID. */
  readonly federated: boolean;
}

/** @throws ProtocolError */
export function parsePrelogin(data: Buffer): Prelogin {
  let encryption: number = ENCRYPT.notSupported;
  let federated = false;
  for (let at = 0; data[at] !== OPTION.end; at += 5) {
    if (at + 5 > data.length) throw new ProtocolError("PRELOGIN has no end");
    const offset = data.readUInt16BE(at + 1);
    const value = data[offset];
    if (data.readUInt16BE(at + 3) === 0 || value === undefined) continue;
    if (data[at] === OPTION.encryption) encryption = value;
    if (data[at] === OPTION.federated) federated = value === 1;
  }
  return { encryption, federated };
}

export function answerPrelogin({ encryption, federated }: Prelogin): Buffer {
  const options: (readonly [number, Buffer])[] = [
    [OPTION.version, VERSION],
    [OPTION.encryption, Buffer.from([encryption])],
    [OPTION.instance, Buffer.from([0])],
    [OPTION.thread, Buffer.alloc(0)],
    [OPTION.mars, Buffer.from([0])],
    ...(federated ? [[OPTION.federated, Buffer.from([1])] as const] : []),
  ];
  const head = Buffer.alloc(options.length * 5 + 1, OPTION.end);
  let offset = head.length;
  for (const [index, [option, value]] of options.entries()) {
    head.writeUInt8(option, index * 5);
    head.writeUInt16BE(offset, index * 5 + 1);
    head.writeUInt16BE(value.length, index * 5 + 3);
    offset += value.length;
  }
  return Buffer.concat([head, ...options.map(([, value]) => value)]);
}

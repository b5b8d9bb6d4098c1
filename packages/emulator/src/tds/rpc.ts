import { ByteReader } from "./byte-reader.ts";
import { Cancelled, type Argument, type ConnectionState } from "./connection-state.ts";
import { toSqlError } from "./pg-error.ts";
import { readValue } from "./read-value.ts";
import type { Response } from "./response.ts";
import { DONE, DONE_STATUS, writeDone, writeError, writeReturnStatus } from "./tokens.ts";

/** The call of a procedure, as drivers make it. */
export interface RpcCall {
  readonly procedure: string | number;
  readonly args: readonly Argument[];
}

const BY_NUMBER = 0xffff;
const NEXT_CALL = 0xff;

/** @throws ProtocolError */
export function parseRpc(reader: ByteReader): RpcCall[] {
  const calls: RpcCall[] = [];
  while (reader.left > 0) {
    const length = reader.u16();
    const procedure = length === BY_NUMBER ? reader.u16() : reader.text(length);
    reader.u16();
    const args: Argument[] = [];
    while (reader.left > 0 && reader.peek() !== NEXT_CALL) {
      const name = reader.text(reader.u8());
      reader.u8();
      args.push({ name, ...readValue(reader) });
    }
    if (reader.left > 0) reader.u8();
    calls.push({ procedure, args });
  }
  return calls;
}

export async function runRpc(
  state: ConnectionState,
  calls: readonly RpcCall[],
  response: Response,
): Promise<void> {
  for (const [index, { procedure, args }] of calls.entries()) {
    let failed = false;
    try {
      const run = state.findProcedure(procedure);
      failed = (await run(state, args, response)) !== undefined;
    } catch (error) {
      if (error instanceof Cancelled) throw error;
      writeError(
        response.out,
        toSqlError(error, () => undefined),
      );
      failed = true;
    }
    writeReturnStatus(response.out, failed ? 1 : 0);
    const more = index < calls.length - 1 ? DONE_STATUS.more : 0;
    writeDone(response.out, DONE.procedure, more | (failed ? DONE_STATUS.error : 0));
  }
}

/** What a client sent is not TDS: the connection ends, as SQL Server ends it. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}

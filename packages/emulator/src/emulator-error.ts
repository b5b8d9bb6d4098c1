/** A wrong use of the emulator itself: options, scripts, ports. What clients do wrong is answered, never thrown. */
export class EmulatorError extends Error {
  override readonly name = "EmulatorError";
}

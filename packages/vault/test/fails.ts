import { isAmlError } from "@aml/core";
import type { AmlError, AmlErrorCode } from "@aml/core";

/** The error that a call ends with, which must have this code. */
export async function fails(call: Promise<unknown>, code: AmlErrorCode): Promise<AmlError> {
  const error = await rejection(call);
  if (!isAmlError(error, code)) throw new Error(`Not ${code}: ${String(error)}`, { cause: error });
  return error;
}

export async function rejection(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  throw new Error("The call succeeded");
}

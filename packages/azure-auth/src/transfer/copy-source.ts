import { AmlError, type CopySource } from "@aml/core/adapter";

/** How the service signs in to the source of a copy, as `@azure/storage-blob` spells it. */
export interface SourceAuthorization {
  readonly scheme: string;
  readonly value: string;
}

export function authorizationOf({ authorization }: CopySource): {
  sourceAuthorization?: SourceAuthorization;
} {
  const [scheme, value] = authorization?.reveal().split(" ") ?? [];
  return scheme === undefined || value === undefined ? {} : { sourceAuthorization: { scheme, value } };
}

/** The service will not do it; a client that reads and writes can. */
export function cannotCopy(message: string, cause?: unknown): AmlError {
  return new AmlError("unsupported", message, {
    operation: "copy",
    hint: "Read it and write it instead.",
    cause,
  });
}

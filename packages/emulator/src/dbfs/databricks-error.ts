/** A refusal in Databricks' form. `reason` is what the Files API adds. */
export class DatabricksError extends Error {
  readonly status: number;
  readonly code: string;
  readonly reason: string | undefined;

  constructor(status: number, code: string, message: string, reason?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.reason = reason;
  }
}

export function errorBody({ code, message, reason }: DatabricksError): Readonly<Record<string, unknown>> {
  return {
    error_code: code,
    message,
    ...(reason !== undefined && {
      details: [
        {
          "@type": "type.googleapis.com/google.rpc.ErrorInfo",
          reason,
          domain: "filesystem.databricks.com",
          metadata: {},
        },
      ],
    }),
  };
}

export function invalidParameter(message: string): DatabricksError {
  return new DatabricksError(400, "INVALID_PARAMETER_VALUE", message);
}

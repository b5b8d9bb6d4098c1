/** What a workspace does while it works; feed them to a progress bar, a log or OpenTelemetry. Never holds a secret. */
export type TraceEvent =
  | {
      readonly kind: "start";
      readonly id: number;
      readonly operation: TraceOperation;
      readonly store: string;
      readonly path: string;
    }
  | {
      readonly kind: "progress";
      readonly id: number;
      readonly operation: TraceOperation;
      readonly store: string;
      readonly path: string;
      /** Since the last event of this operation. */
      readonly bytes: number;
    }
  | {
      readonly kind: "end";
      readonly id: number;
      readonly operation: TraceOperation;
      readonly store: string;
      readonly path: string;
      /** In all. */
      readonly bytes: number;
      readonly durationMs: number;
      readonly error?: { readonly code: string; readonly message: string } | undefined;
    }
  | {
      readonly kind: "retry";
      readonly operation: TraceOperation;
      readonly store: string;
      readonly path: string;
      /** 1 for the first repetition. */
      readonly attempt: number;
      readonly delayMs: number;
      readonly error: { readonly code: string; readonly message: string };
    };

export type TraceOperation = "stat" | "list" | "read" | "write" | "delete";
export type OnTrace = (event: TraceEvent) => void;

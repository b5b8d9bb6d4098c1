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
    }
  | {
      readonly kind: "credential";
      /**
       * `expires`: within seven days; `renewed`: the store is being read with another one from now on; `anonymous`: nobody
       * could sign in to the store of a storage URI, which is public and is read without.
       */
      readonly change: "expires" | "renewed" | "anonymous";
      /** Absent for a storage URI. */
      readonly datastore?: string | undefined;
      readonly store: string;
      /** With `expires`. */
      readonly expiresAt?: Date | undefined;
    };

export type TraceOperation = "stat" | "list" | "read" | "write" | "delete" | "copy" | "query";
export type OnTrace = (event: TraceEvent) => void;

interface Handle {
  readStart(): void;
  readStop(): void;
}

/**
 * Stops or starts the reading of the socket beneath a TLS connection, in Deno: a paused TLS socket goes on there to take
 * all that the server sends, and keeps it in memory (Deno 2.9: the pause ends at the TLS layer). Elsewhere pausing the
 * connection is all it takes, and this does nothing.
 */
export function pauseBeneathTls(socket: unknown, wanted: boolean): void {
  if (!("Deno" in globalThis)) return;
  const handle = (socket as { readonly _handle?: Handle | null } | null | undefined)?._handle;
  if (wanted) handle?.readStop();
  else handle?.readStart();
}

const bodies = new WeakMap<Request, string>();

/**
 * The text that a client sent with a GET. HTTP gives it no meaning and a `Request` cannot carry it, but services are
 * there that read it; `serve` keeps it for them.
 */
export function getBody(request: Request): string | undefined {
  return bodies.get(request);
}

export function setGetBody(request: Request, body: string): void {
  bodies.set(request, body);
}

/**
 * An emulated service: what a client sent, and what the service answers. It knows nothing of sockets; a broken
 * request is answered as the service would answer it, never thrown.
 *
 * Two answers are the network's: `Response.error()` is a connection that is reset, and a body that fails is one that
 * is lost on the way.
 */
export type Service = (request: Request) => Promise<Response>;

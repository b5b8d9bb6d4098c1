import type { Fault, FaultMatch } from "./fault.ts";
import { parseFault } from "./parse-faults.ts";

/** Faults, and how often each has been met: one script may serve several services. */
export interface FaultScript {
  /** The fault that this request meets: of those whose turn it is, the first. */
  next(request: Request, service: string): Fault | undefined;
}

/**
 * Makes a script. Each fault counts the requests that it matches, also those that an earlier fault takes.
 *
 * @throws {EmulatorError} for a fault with an unknown key or a wrong value.
 */
export function createFaultScript(faults: readonly Fault[]): FaultScript {
  const rules = faults.map((fault, index) => {
    const {
      service,
      match,
      call = 1,
      times = fault.call === undefined ? Infinity : 1,
    } = parseFault({ ...fault }, `fault ${index + 1}`);
    const matches = matcher(match);
    let calls = 0;
    return (request: Request, name: string): Fault | undefined => {
      if ((service ?? name) !== name || !matches(request)) return undefined;
      calls += 1;
      return calls >= call && calls < call + times ? fault : undefined;
    };
  });
  return {
    next: (request, service) =>
      rules.map((rule) => rule(request, service)).find((fault) => fault !== undefined),
  };
}

function matcher({ method, path, headers = [] }: FaultMatch = {}): (request: Request) => boolean {
  const pattern = path === undefined ? undefined : new RegExp(path);
  return (request) =>
    (method ?? request.method) === request.method &&
    (pattern === undefined || pattern.test(request.url.replace(/^[^:]+:\/\/[^/]*/, ""))) &&
    headers.every((header) => request.headers.has(header));
}

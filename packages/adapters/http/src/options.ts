import { AmlError, parseStorePath, type Location, type StorePath } from "@aml/core/adapter";

export interface HttpOptions {
  /** `http:` or `https:`, a host and maybe a folder. A query, if there is one, goes with every request. */
  readonly baseUrl: string;
}

/**
 * Checks options from a file or a command line.
 *
 * @throws `config_invalid` when `baseUrl` is missing, is no http(s) URL, or holds a user, a password or a fragment,
 * or when another option is there.
 */
export function parseOptions(input: unknown): HttpOptions {
  if (typeof input !== "object" || input === null) throw invalid("The options are not an object.");
  const { baseUrl, ...others } = input as Record<string, unknown>;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) throw invalid(`A web store has no option ${JSON.stringify(unknown)}.`);
  if (typeof baseUrl !== "string") throw invalid("The option baseUrl is missing.");
  const url = toUrl(baseUrl);
  if (url === undefined) throw invalid("The option baseUrl is not an http or https URL.");
  if (url.username !== "" || url.password !== "")
    throw invalid("The option baseUrl holds a user or a password.");
  if (url.hash !== "") throw invalid("The option baseUrl holds a fragment (#).");
  return { baseUrl: rootOf(url) + url.search };
}

/**
 * Reads an http(s) URL: the host (with the query, if there is one) is the store, the decoded path is the path.
 *
 * @returns `undefined` for another kind of URI.
 * @throws `path_invalid` when a segment holds an encoded slash, or is not valid percent-encoding.
 */
export function locate(uri: string): Location<HttpOptions> | undefined {
  const url = toUrl(uri);
  if (url === undefined) return undefined;
  const options = parseOptions({ baseUrl: url.origin + url.search });
  return { options, path: parseStorePath(url.pathname.split("/").map(decode).join("/")) };
}

/** The root as messages may show it: without the query, which may hold a token. */
export function rootOf(url: URL): string {
  return url.origin + url.pathname.replace(/\/+$/, "");
}

/** @throws `path_invalid` for `..`, `.` and empty segments, which a URL would resolve. */
export function urlOf({ baseUrl }: HttpOptions, path: StorePath): URL {
  const url = new URL(baseUrl);
  if (path === "") return url;
  const segments = path.split("/");
  if (segments.some((segment) => segment === "" || segment === "." || segment === "..")) {
    throw new AmlError("path_invalid", `${JSON.stringify(path)} is not a path below a web address.`, {
      hint: "Remove empty, '.' and '..' segments.",
      context: { path },
    });
  }
  return new URL(`${rootOf(url)}/${segments.map(encodeURIComponent).join("/")}${url.search}`);
}

function toUrl(text: string): URL | undefined {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text);
}

function decode(segment: string): string {
  let text: string | undefined;
  try {
    text = decodeURIComponent(segment);
  } catch {
    text = undefined;
  }
  if (text !== undefined && !text.includes("/")) return text;
  throw new AmlError(
    "path_invalid",
    `The URL's segment ${JSON.stringify(segment)} cannot be decoded to a name.`,
    {
      hint: "Use valid percent-encoding, and no %2F.",
    },
  );
}

function invalid(message: string): AmlError {
  return new AmlError("config_invalid", message, {
    hint: 'Give one option: { "baseUrl": "https://host/folder" }, without user, password and fragment.',
  });
}

import { getBody } from "../get-body.ts";
import { DatabricksError, invalidParameter } from "./databricks-error.ts";

/** What a call of DBFS was given, from the query, a JSON body or a form. */
export interface Parameters {
  /** In the tree: below `dbfs`. @throws when it is missing or not absolute. */
  path(name: string): string;
  /** All that are there and absolute. */
  paths(): readonly string[];
  number(name: string): number | undefined;
  flag(name: string): boolean;
  /** From base64, or as they came in a form. */
  bytes(name: string): Uint8Array | undefined;
  readonly multipart: boolean;
}

/** The service takes the parameters of a GET as a query or, like those of a POST, as JSON in the body. */
export async function readParameters(request: Request): Promise<Parameters> {
  const query = Object.fromEntries(new URL(request.url).searchParams);
  if (request.method === "GET") return wrap({ ...query, ...json(getBody(request) ?? "") });
  const type = request.headers.get("content-type") ?? "";
  if (!type.startsWith("multipart/form-data")) return wrap({ ...query, ...json(await request.text()) });
  let form: FormData;
  try {
    form = await request.formData();
  } catch {
    throw new DatabricksError(400, "MALFORMED_REQUEST", "The form could not be read.");
  }
  const fields: Record<string, unknown> = {};
  for (const [name, value] of form) fields[name] = typeof value === "string" ? value : await value.bytes();
  return wrap(fields, true);
}

function json(text: string): Readonly<Record<string, unknown>> {
  if (text === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch {
    // Told below.
  }
  throw new DatabricksError(400, "MALFORMED_REQUEST", "Invalid JSON given in the body of the request");
}

const PATHS = ["path", "source_path", "destination_path"];

function treePath(path: string): string {
  return ["dbfs", ...path.split("/").filter(Boolean)].join("/");
}

function wrap(values: Readonly<Record<string, unknown>>, multipart = false): Parameters {
  return {
    multipart,
    path(name) {
      const value = values[name];
      if (typeof value !== "string" || value === "")
        throw invalidParameter(`Missing required field: ${name}`);
      const path = value.replace(/^dbfs:(?=\/)/, "");
      if (!path.startsWith("/")) throw invalidParameter(`Path must be absolute: ${path}`);
      return treePath(path);
    },
    paths: () =>
      PATHS.map((name) => values[name])
        .filter((value) => typeof value === "string")
        .map((value) => value.replace(/^dbfs:(?=\/)/, ""))
        .filter((path) => path.startsWith("/"))
        .map(treePath),
    number(name) {
      const value = values[name];
      if (value === undefined || value === null) return undefined;
      const number = typeof value === "string" && value !== "" ? Number(value) : value;
      if (typeof number === "number" && Number.isSafeInteger(number)) return number;
      throw new DatabricksError(400, "MALFORMED_REQUEST", `Could not parse ${name} as a number.`);
    },
    flag: (name) => values[name] === true || String(values[name]).toLowerCase() === "true",
    bytes(name) {
      const value = values[name];
      if (value === undefined || value === null) return undefined;
      if (value instanceof Uint8Array) return value;
      if (typeof value !== "string") throw invalidParameter(`The field ${name} is not a string.`);
      const text = value;
      if (multipart) return Buffer.from(text);
      if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0)
        throw invalidParameter(`The field ${name} is not base64.`);
      return Buffer.from(text, "base64");
    },
  };
}

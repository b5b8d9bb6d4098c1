/** A secret that nobody has used before, and the check that nobody shows it. */
export interface Canary {
  readonly secret: string;
  /** @throws an `Error` that says where the secret is, without repeating it. */
  readonly assertNoLeak: (value: unknown) => void;
}

/** Makes a random secret with characters that encodings change: `+`, `/` and `=`. */
export function canary(): Canary {
  const bytes = crypto.getRandomValues(new Uint8Array(30));
  const secret = `${btoa(String.fromCharCode(...bytes))}+/=`;
  return Object.freeze({ secret, assertNoLeak: (value: unknown) => assertNoLeak(secret, value) });
}

/**
 * Looks for a secret in everything that a value shows: own properties (hidden ones too), getters, causes, stacks,
 * maps, sets, headers, bytes, `toString()` and `toJSON()`; as it is, URL-encoded, in base64 and in hexadecimal.
 *
 * @throws an `Error` that says where the secret is, without repeating it.
 */
export function assertNoLeak(secret: string, value: unknown): void {
  const forms = formsOf(secret);
  const seen = new Set<unknown>();
  const waiting: [where: string, what: unknown][] = [["value", value]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [where, what] = next;
    const text = textOf(what);
    if (text !== undefined && forms.some((form) => text.includes(form))) {
      throw new Error(`A secret shows in ${where}.`);
    }
    if (what === null || (typeof what !== "object" && typeof what !== "function") || seen.has(what)) continue;
    seen.add(what);
    for (const [key, child] of childrenOf(what)) waiting.push([`${where}.${key}`, child]);
  }
}

function formsOf(secret: string): readonly string[] {
  const bytes = new TextEncoder().encode(secret);
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const json = JSON.stringify(secret).slice(1, -1);
  const encoded = encodeURIComponent(secret);
  const forms = [secret, json, encoded, encoded.toLowerCase(), encodeURI(secret), hex, hex.toUpperCase()];
  return [...new Set([...forms, ...base64Of(bytes)])];
}

/** In the middle of a longer base64 text a secret begins at one of three positions of a group. */
function base64Of(bytes: Uint8Array): readonly string[] {
  return [0, 1, 2].flatMap((shift) => {
    const padded = String.fromCharCode(...new Uint8Array(shift), ...bytes);
    const text = btoa(padded).replaceAll("=", "");
    // The first and last characters also depend on the neighbours of the secret.
    const inner = text.slice(shift === 0 ? 0 : shift + 1, -1);
    return [inner, inner.replaceAll("+", "-").replaceAll("/", "_"), encodeURIComponent(inner)];
  });
}

function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value === "symbol") return value.description;
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (typeof value !== "object" || value === null) return undefined;
  try {
    return [
      Reflect.apply<undefined, [unknown], string>(String, undefined, [value]),
      JSON.stringify(value),
    ].join("\n");
  } catch {
    // Circular, or not meant to be text: its properties are looked at one by one.
    return undefined;
  }
}

function childrenOf(value: object): [string, unknown][] {
  const children: [string, unknown][] = [];
  if (ArrayBuffer.isView(value)) return children;
  if (value instanceof Map || value instanceof Headers || value instanceof URLSearchParams) {
    for (const [key, item] of value.entries()) children.push([String(key), key], [String(key), item]);
  }
  if (value instanceof Set) for (const item of value) children.push(["item", item]);
  for (
    let owner: object | null = value;
    owner !== null;
    owner = Object.getPrototypeOf(owner) as object | null
  ) {
    if (owner === Object.prototype || owner === Function.prototype) break;
    for (const key of Reflect.ownKeys(owner))
      children.push([String(key), key], [String(key), valueOf(value, key)]);
  }
  return children;
}

function valueOf(owner: object, key: PropertyKey): unknown {
  try {
    return Reflect.get(owner, key);
  } catch {
    // A getter of a prototype that does not fit this object.
    return undefined;
  }
}

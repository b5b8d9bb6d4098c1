import { AmlError, type OnSignIn } from "@aml/core/adapter";
import type { TokenCredential } from "@azure/identity";
import { sdkOptions } from "./sdk-options.ts";
import type { TokenSource } from "./sign-in.ts";

export type PersonSource = Extract<TokenSource, { kind: "identity" }> & {
  readonly source?: "browser" | "device_code" | undefined;
};

interface Person {
  readonly credential: TokenCredential;
  onSignIn?: OnSignIn | undefined;
}

// One for each identity: it holds what later tokens come from without the person.
const people = new Map<string, Promise<Person>>();

/** Signs a person in once; after that tokens come without them, for any resource, as long as the process lives. */
export async function personCredential(
  source: PersonSource,
  onSignIn: OnSignIn | undefined,
): Promise<TokenCredential> {
  const key = JSON.stringify([source.source, source.tenantId, source.clientId, sdkOptions().authorityHost]);
  const found = people.get(key) ?? createPerson(source);
  people.set(key, found);
  const person = await found;
  if (onSignIn !== undefined) person.onSignIn = onSignIn;
  return person.credential;
}

async function createPerson({ source, tenantId, clientId }: PersonSource): Promise<Person> {
  const identity = await import("@azure/identity");
  const options = { ...sdkOptions(), ...(tenantId && { tenantId }), ...(clientId && { clientId }) };
  if (source === "browser") return { credential: new identity.InteractiveBrowserCredential(options) };
  const credential = new identity.DeviceCodeCredential({
    ...options,
    userPromptCallback({ verificationUri, userCode }) {
      if (person.onSignIn === undefined) throw nobody();
      person.onSignIn({ source: "device_code", url: verificationUri, code: userCode });
    },
  });
  const person: Person = { credential };
  return person;
}

function nobody(): AmlError {
  return new AmlError("auth_failed", "Somebody has to sign in, and there is nobody to show the code to.", {
    hint: "Open the workspace with onSignIn, or use another source: cli, managed, workload.",
    operation: "sign_in",
  });
}

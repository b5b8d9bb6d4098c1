import type { Service } from "../service.ts";
import { federatedToken } from "./client-proof.ts";
import { answerDevice } from "./device-flow.ts";
import { appToken, createDirectory, issuerOf, type Directory } from "./directory.ts";
import type { EntraApp, EntraOptions, EntraRequest } from "./entra-app.ts";
import { loginService } from "./login-service.ts";
import { managedIdentity } from "./managed-identity.ts";
import type { EntraClaims, TokenVerifier } from "./token-signer.ts";

/** Microsoft Entra ID without a socket: two services, and what they know. */
export interface EntraDirectory {
  readonly tenantId: string;
  /** The authority; clients want it on https. */
  readonly login: Service;
  /** The managed identity endpoints of a virtual machine and of App Service; on http. */
  readonly managed: Service;
  /** The token requests so far, refused ones too; the last 1,000 of them. */
  readonly requests: EntraRequest[];
  /** Of the tokens to come, in seconds. */
  tokenLifetime: number;
  /** Answers every token request with this status until it is set back to `undefined`. */
  failWith: number | undefined;
  /** Judges a token of this authority: what emulated services ask. */
  readonly verify: TokenVerifier;
  /** The claims of a token that this authority has signed; its audience and lifetime are not judged. */
  readonly verifyToken: (token: string) => Promise<EntraClaims | undefined>;
  /** Adds an app registration, or replaces the one of that client ID. */
  register(app: EntraApp): void;
  /** A token of the kind that Kubernetes mounts, for workload identity. */
  federatedToken(subject: string): Promise<string>;
  /** A token that an app would get, without its asking. */
  accessToken(audience: string, clientId: string): Promise<string>;
  /** Signs the user of a waiting device in, or declines; `false` when no device waits under that code. */
  answerDevice(userCode: string, answer: "declined" | { readonly username: string }): boolean;
}

export async function createEntra(options: EntraOptions = {}): Promise<EntraDirectory> {
  return withServices(await createDirectory(options));
}

/** The directory itself, so that what is set on it counts. */
function withServices(directory: Directory): EntraDirectory {
  return Object.assign(directory, {
    login: loginService(directory),
    managed: managedIdentity(directory),
    verify: ((token, audience) =>
      directory.signer.verify(token, {
        issuer: issuerOf(directory),
        audience: [audience].flat(),
      })) satisfies TokenVerifier,
    verifyToken: (token: string) => directory.signer.read(token, issuerOf(directory)),
    register: (app: EntraApp): void => void directory.apps.set(app.clientId, app),
    federatedToken: (subject: string) => federatedToken(directory, subject),
    accessToken: (audience: string, clientId: string) => appToken(directory, audience, clientId),
    answerDevice: (userCode: string, answer: "declined" | { readonly username: string }) =>
      answerDevice(directory, userCode, answer),
  });
}

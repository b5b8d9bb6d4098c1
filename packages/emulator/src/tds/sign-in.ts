import type { Login } from "./login7.ts";
import { parseFederatedToken } from "./login7.ts";
import { PACKET } from "./packets.ts";
import { answerPrelogin, ENCRYPT, parsePrelogin } from "./prelogin.ts";
import { parseLogin } from "./login7.ts";
import { ByteWriter } from "./byte-writer.ts";
import { ProtocolError } from "./protocol-error.ts";
import { SqlError } from "./sql-error.ts";
import { DONE, DONE_STATUS, writeDone, writeError, writeFederatedInfo } from "./tokens.ts";
import type { Transport } from "./transport.ts";

/** Tells who a token of Entra ID stands for; `undefined` when it is not good for this server. */
export type VerifyToken = (token: string) => Promise<{ readonly name: string } | undefined>;

export interface SignInOptions {
  /** Passwords by name. */
  readonly logins: Readonly<Record<string, string>>;
  readonly verifyToken?: VerifyToken | undefined;
  /** Where clients get tokens that ask for it. */
  readonly authorityUrl?: string | undefined;
  readonly encryption: "optional" | "required" | "none";
}

export interface SignedIn {
  readonly login: Login;
  readonly name: string;
}

/** The audience of tokens for Azure SQL. */
const AUDIENCE = "https://database.windows.net/";
const TDS_73 = 0x730a0003;
const TDS_80 = 0x08000000;

/**
 * Answers PRELOGIN, starts TLS where it is wanted, and judges LOGIN7.
 *
 * @returns `undefined` when the client left or was refused.
 */
export async function signIn(
  transport: Transport,
  strict: boolean,
  options: SignInOptions,
): Promise<SignedIn | undefined> {
  const hello = await transport.next();
  if (!hello) return undefined;
  if (hello.type !== PACKET.prelogin) throw new ProtocolError("the first message is not PRELOGIN");
  const prelogin = parsePrelogin(hello.data);
  const encryption = strict ? ENCRYPT.on : agree(prelogin.encryption, options.encryption);
  await transport.send(
    answerPrelogin({ encryption, federated: prelogin.federated && options.verifyToken !== undefined }),
    true,
  );
  const secure = encryption === ENCRYPT.on || encryption === ENCRYPT.required;
  if (secure && prelogin.encryption === ENCRYPT.notSupported && !strict) return undefined;
  if (secure && !strict) transport.startTls();
  const request = await transport.next();
  if (!request) return undefined;
  if (request.type !== PACKET.login) throw new ProtocolError("LOGIN7 is missing");
  const login = parseLogin(request.data);
  try {
    return { login, name: await judge(transport, login, options) };
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    await refuse(transport, error);
    return undefined;
  }
}

function agree(wanted: number, policy: SignInOptions["encryption"]): number {
  if (policy === "none") return ENCRYPT.notSupported;
  if (wanted === ENCRYPT.on || wanted === ENCRYPT.required) return ENCRYPT.on;
  return policy === "required" ? ENCRYPT.required : ENCRYPT.notSupported;
}

async function judge(transport: Transport, login: Login, options: SignInOptions): Promise<string> {
  if (login.version < TDS_73 && login.version !== TDS_80) {
    throw new SqlError(18_456, 14, "This server speaks TDS 7.3 and newer.");
  }
  if (login.federated) return judgeToken(transport, login, options);
  if (login.integrated) {
    throw new SqlError(
      18_452,
      14,
      "Login failed. The login is from an untrusted domain and cannot be used with Integrated authentication.",
    );
  }
  const password = Object.entries(options.logins).find(
    ([name]) => name.toLowerCase() === login.username.toLowerCase(),
  )?.[1];
  if (password === undefined || password !== login.password) {
    throw new SqlError(18_456, 14, `Login failed for user '${login.username}'.`);
  }
  return login.username;
}

async function judgeToken(transport: Transport, login: Login, options: SignInOptions): Promise<string> {
  let token = login.federated?.token;
  if (token === undefined) {
    const out = new ByteWriter();
    writeFederatedInfo(out, options.authorityUrl ?? "https://login.microsoftonline.com/common", AUDIENCE);
    await transport.send(out.take(), true);
    const answer = await transport.next();
    if (answer?.type !== PACKET.federatedToken) throw new ProtocolError("the token did not follow");
    token = parseFederatedToken(answer.data);
  }
  const principal = await options.verifyToken?.(token);
  if (!principal) throw new SqlError(18_456, 14, "Login failed for user '<token-identified principal>'.");
  return principal.name;
}

export async function refuse(transport: Transport, ...errors: SqlError[]): Promise<void> {
  const out = new ByteWriter();
  for (const error of errors) writeError(out, error);
  writeDone(out, DONE.statement, DONE_STATUS.error);
  await transport.send(out.take(), true);
  await transport.end();
}

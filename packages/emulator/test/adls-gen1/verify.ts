import type { TokenVerifier } from "@aml/emulator";

/** Lets in who says `good`. */
export const verify: TokenVerifier = async (token, audience) =>
  token === "good" && audience === "https://datalake.azure.net/"
    ? { ok: true, claims: { aud: audience, oid: "oid-1", tid: "t", exp: 0 } }
    : { ok: false, reason: "signature" };

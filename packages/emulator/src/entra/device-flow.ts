import { randomInt, randomUUID } from "node:crypto";
import type { DeviceCode, Directory } from "./directory.ts";
import { escapeHtml, html, json } from "./reply.ts";
import { unknownApp } from "./token-endpoint.ts";

const LIFETIME = 900;
const LETTERS = "BCDFGHJKLMNPQRSTVWXZ23456789";

/** Answers `POST /TENANT/oauth2/v2.0/devicecode`. */
export function startDeviceFlow(directory: Directory, body: URLSearchParams, origin: string): Response {
  const clientId = body.get("client_id") ?? "";
  if (!directory.apps.has(clientId)) return unknownApp(directory, clientId);
  const deviceCode = randomUUID();
  const userCode = Array.from({ length: 9 }, () => LETTERS[randomInt(LETTERS.length)]).join("");
  const verificationUri = `${origin}/common/oauth2/deviceauth`;
  directory.devices.set(deviceCode, {
    userCode,
    clientId,
    scope: body.get("scope") ?? "",
    expiresAt: directory.now() + LIFETIME * 1000,
    answer: undefined,
  });
  return json(200, {
    user_code: userCode,
    device_code: deviceCode,
    verification_uri: verificationUri,
    expires_in: LIFETIME,
    interval: directory.deviceCodeInterval,
    message: `To sign in, use a web browser to open the page ${verificationUri} and enter the code ${userCode} to authenticate.`,
  });
}

/**
 * Answers a waiting device for its user.
 *
 * @returns whether a device waits under that code.
 */
export function answerDevice(
  directory: Directory,
  userCode: string,
  answer: "declined" | { readonly username: string },
): boolean {
  const device = [...directory.devices.values()].find(
    (one) => one.userCode === userCode.trim().toUpperCase(),
  );
  if (device === undefined || device.answer !== undefined) return false;
  device.answer = answer === "declined" ? answer : userOf(directory, answer.username);
  return device.answer !== undefined;
}

function userOf(directory: Directory, username: string): DeviceCode["answer"] {
  return directory.users.find((user) => user.username === username);
}

/** The page on which a user answers. */
export function devicePage(directory: Directory, form: URLSearchParams | undefined): Response {
  const code = form?.get("code") ?? "";
  if (form !== undefined) {
    const answer = form.has("decline") ? "declined" : { username: form.get("username") ?? "" };
    return answerDevice(directory, code, answer)
      ? html(
          200,
          `<p>${answer === "declined" ? "Declined." : "You have signed in."} You may close this window.`,
        )
      : html(400, "<p>That code is not known, or has been used.");
  }
  const options = directory.users.map(({ username }) => `<option>${escapeHtml(username)}</option>`).join("");
  return html(
    200,
    `<form method="post"><p><label>Code <input name="code" autofocus></label>
<p><label>User <select name="username">${options}</select></label>
<p><button>Sign in</button> <button name="decline" value="1">Decline</button></form>`,
  );
}

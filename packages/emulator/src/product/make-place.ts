import { EmulatorError } from "../emulator-error.ts";
import type { Service } from "../service.ts";
import { sharedKeyText, signText } from "../storage-auth/shared-key.ts";

export interface StorageAccountKey {
  readonly accountName: string;
  readonly accountKey: string;
}

/** What container, file system and share are called that are there from the start. */
export const FIRST_PLACE = "data";

/** Makes a container, file system or share, unless it is there already. */
export async function makePlace(
  service: Service,
  origin: string,
  { accountName, accountKey }: StorageAccountKey,
  query: string,
): Promise<void> {
  const url = `${origin}/${accountName}/${FIRST_PLACE}?${query}`;
  const headers = new Headers({ "x-ms-date": new Date().toUTCString(), "x-ms-version": "2023-11-03" });
  const text = sharedKeyText(new Request(url, { method: "PUT", headers }), accountName);
  headers.set("authorization", `SharedKey ${accountName}:${signText(accountKey, text)}`);
  const response = await service(new Request(url, { method: "PUT", headers }));
  const answer = await response.text();
  if (response.ok || response.status === 409) return;
  throw new EmulatorError(`${url} could not be made: ${response.status} ${answer}`);
}

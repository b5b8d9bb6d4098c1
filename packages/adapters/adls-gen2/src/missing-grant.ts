import { aclGrant, grantHint } from "@aml/azure-auth";
import type { Attempt } from "./error-rows.ts";

/** The smallest grant that an attempt lacks, as one sentence. */
export function missingGrant(attempt: Attempt): string {
  if (attempt.credential === "account_key") return "Check that the key belongs to this account.";
  if (attempt.credential === "sas") {
    const { permissions } = attempt;
    return `Use a SAS token that grants ${SAS[attempt.operation]}${permissions === undefined ? "" : `; this one grants '${permissions}'`}.`;
  }
  const { filesystem, who = "the identity" } = attempt;
  const grant = grantHint(role(attempt), `file system '${filesystem}'`, who).replace(/\.$/, "");
  return `${grant}, or in the ACLs: ${aclGrant(attempt.operation, attempt.path)}.`;
}

export function role({ operation }: Pick<Attempt, "operation">): string {
  return CHANGING.includes(operation) ? "Storage Blob Data Contributor" : "Storage Blob Data Reader";
}

const CHANGING: readonly Attempt["operation"][] = ["write", "delete", "rename", "copy"];

/** https://learn.microsoft.com/rest/api/storageservices/create-service-sas, read 2026-11 */
const SAS: Readonly<Record<Attempt["operation"], string>> = {
  stat: "read (r)",
  list: "list (l)",
  read: "read (r)",
  write: "create, write, delete and move (cwdm)",
  copy: "create, write, delete and move (cwdm)",
  delete: "delete (d)",
  rename: "write and move (wm)",
  rights: "execute (e)",
};

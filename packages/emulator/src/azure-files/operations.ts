import { abortCopy, copyFile } from "./copy-operation.ts";
import {
  createDirectory,
  deleteDirectory,
  directoryProperties,
  setDirectory,
} from "./directory-operations.ts";
import { createFile, deleteFile, fileProperties, readFile, setFile } from "./file-operations.ts";
import { refusal } from "./file-refusal.ts";
import { leaseFile } from "./leases.ts";
import { listFiles } from "./list-files.ts";
import { answer, below, nodeAt, xmlAnswer, type NodeOperation, type Operation } from "./operation.ts";
import { listRanges, putRange } from "./range-operations.ts";
import { rename } from "./rename-operation.ts";
import type { Route } from "./route.ts";
import * as shares from "./share-operations.ts";

/** Nobody has a file open here by SMB. */
const listHandles: NodeOperation = (call) => {
  nodeAt(call, call.route.resource === "directory" ? "directory" : "file");
  return xmlAnswer("<EnumerationResults><Entries /><NextMarker /></EnumerationResults>");
};
const closeHandles: NodeOperation = () =>
  answer(200, { "x-ms-number-of-handles-closed": "0", "x-ms-number-of-handles-failed": "0" });

const SERVICE: Readonly<Record<string, Operation>> = {
  "GET list": shares.listShares,
  "GET properties": shares.serviceProperties,
  "POST userdelegationkey": shares.delegationKey,
};
const SHARE: Readonly<Record<string, Operation>> = {
  "PUT ": shares.createShare,
  "GET ": shares.shareProperties,
  "HEAD ": shares.shareProperties,
  "DELETE ": shares.deleteShare,
  "GET metadata": shares.shareProperties,
  "PUT metadata": shares.setShareMetadata,
  "PUT properties": shares.setShareProperties,
  "GET stats": shares.shareStats,
  "GET acl": shares.shareAcl,
  "PUT acl": shares.setShareAcl,
  "PUT filepermission": shares.createPermission,
  "GET filepermission": shares.getPermission,
};
const DIRECTORY: Readonly<Record<string, NodeOperation>> = {
  "PUT ": createDirectory,
  "GET ": directoryProperties,
  "HEAD ": directoryProperties,
  "DELETE ": deleteDirectory,
  "GET list": listFiles,
  "GET metadata": directoryProperties,
  "PUT metadata": setDirectory,
  "PUT properties": setDirectory,
  "PUT rename": rename,
  "GET listhandles": listHandles,
  "PUT forceclosehandles": closeHandles,
};
const FILE: Readonly<Record<string, NodeOperation>> = {
  "PUT ": createFile,
  "GET ": readFile,
  "HEAD ": fileProperties,
  "DELETE ": deleteFile,
  "GET metadata": fileProperties,
  "PUT metadata": setFile,
  "PUT properties": setFile,
  "PUT range": putRange,
  "GET rangelist": listRanges,
  "PUT rename": rename,
  "PUT lease": leaseFile,
  "PUT copy": abortCopy,
  "GET listhandles": listHandles,
  "PUT forceclosehandles": closeHandles,
};

/** @throws `UnsupportedQueryParameter`, `UnsupportedHttpVerb`. */
export function findOperation({ resource, comp }: Route, request: Request): Operation {
  const key = `${request.method} ${comp}`;
  const operation = resource === "service" ? SERVICE[key] : resource === "share" ? SHARE[key] : undefined;
  if (operation) return operation;
  const node = resource === "directory" ? DIRECTORY[key] : resource === "file" ? FILE[key] : undefined;
  if (!node) throw refusal(comp === "" ? "UnsupportedHttpVerb" : "UnsupportedQueryParameter");
  return below(node === createFile && request.headers.has("x-ms-copy-source") ? copyFile : node);
}

import { escapeXml, userDelegationKeyXml } from "../storage-auth/index.ts";
import { refusal } from "./file-refusal.ts";
import { checkShareName } from "./file-names.ts";
import { metadataHeaders, metadataOf, permissionKey } from "./file-headers.ts";
import { answer, xmlAnswer, type Call, type Operation } from "./operation.ts";
import { askedXml, pageLimit, serviceEndpoint } from "./list-xml.ts";
import type { Share } from "./share-registry.ts";
import { readPolicies, writePolicies } from "./stored-policies.ts";

const QUOTA_GIB = 5120;
const LARGEST_QUOTA_GIB = 102_400;

function headersOf({ properties }: Share): Record<string, string> {
  return {
    etag: `"${properties.etag}"`,
    "last-modified": new Date(properties.modifiedAt).toUTCString(),
  };
}

/** `GET /?comp=list` */
export const listShares: Operation = ({ state, route: { query } }) => {
  const prefix = query.get("prefix") ?? "";
  const marker = query.get("marker") ?? "";
  const limit = pageLimit(query, state.pageSize);
  const withMetadata = (query.get("include") ?? "").split(",").includes("metadata");
  const found = state.shares.list().filter(({ name }) => name.startsWith(prefix) && name >= marker);
  const items = found.slice(0, limit).map((share) => {
    const { quota, metadata } = share.properties;
    const { etag, "last-modified": modified } = headersOf(share);
    const properties = `<Last-Modified>${modified}</Last-Modified><Etag>${escapeXml(etag ?? "")}</Etag><Quota>${quota}</Quota><AccessTier>TransactionOptimized</AccessTier><LeaseStatus>unlocked</LeaseStatus><LeaseState>available</LeaseState>`;
    const pairs = Object.entries(metadata).map(([name, value]) => `<${name}>${escapeXml(value)}</${name}>`);
    const told = withMetadata ? `<Metadata>${pairs.join("")}</Metadata>` : "";
    return `<Share><Name>${share.name}</Name><Properties>${properties}</Properties>${told}</Share>`;
  });
  const next = found[limit]?.name ?? "";
  return xmlAnswer(
    `<EnumerationResults ServiceEndpoint="${escapeXml(serviceEndpoint(state.account.name))}">${prefix === "" ? "" : `<Prefix>${escapeXml(prefix)}</Prefix>`}${askedXml(query)}<Shares>${items.join("")}</Shares><NextMarker>${next}</NextMarker></EnumerationResults>`,
  );
};

/** `GET /?restype=service&comp=properties` */
export const serviceProperties: Operation = () =>
  xmlAnswer(
    "<StorageServiceProperties><HourMetrics><Version>1.0</Version><Enabled>false</Enabled><RetentionPolicy><Enabled>false</Enabled></RetentionPolicy></HourMetrics><MinuteMetrics><Version>1.0</Version><Enabled>false</Enabled><RetentionPolicy><Enabled>false</Enabled></RetentionPolicy></MinuteMetrics><Cors /></StorageServiceProperties>",
  );

/** `POST /?restype=service&comp=userdelegationkey`: only an identity gets one. */
export const delegationKey: Operation = async ({ state, request, identity }) => {
  if (identity.kind !== "token") throw refusal("UnsupportedHeader");
  const text = await request.text();
  const of = (name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? "";
  if (Number.isNaN(Date.parse(of("Expiry")))) throw refusal("InvalidXmlDocument");
  const { objectId, tenantId } = identity;
  return xmlAnswer(
    userDelegationKeyXml(state.account, {
      objectId,
      tenantId,
      startsOn: of("Start") || new Date(state.now()).toISOString().replace(/\.\d+Z$/, "Z"),
      expiresOn: of("Expiry"),
      service: "f",
      version: request.headers.get("x-ms-version") ?? "",
    }).replace(/^<\?xml[^>]*>/, ""),
  );
};

/** `PUT /SHARE?restype=share` */
export const createShare: Operation = ({ state, route, request }) => {
  checkShareName(route.share);
  const values = { quota: quotaOf(request.headers) ?? QUOTA_GIB, metadata: metadataOf(request.headers) };
  return answer(201, headersOf(state.shares.create(route.share, values)));
};

function quotaOf(headers: Headers): number | undefined {
  const text = headers.get("x-ms-share-quota");
  if (text === null) return undefined;
  const quota = Number(text);
  if (!Number.isInteger(quota) || quota < 1 || quota > LARGEST_QUOTA_GIB) throw refusal("InvalidHeaderValue");
  return quota;
}

/** `GET /SHARE?restype=share` */
export const shareProperties: Operation = ({ state, route }) => {
  const share = state.shares.get(route.share);
  return answer(200, {
    ...headersOf(share),
    ...metadataHeaders(share.properties.metadata),
    "x-ms-share-quota": String(share.properties.quota),
    "x-ms-access-tier": "TransactionOptimized",
    "x-ms-has-immutability-policy": "false",
    "x-ms-lease-status": "unlocked",
    "x-ms-lease-state": "available",
    "x-ms-enabled-protocols": "SMB",
  });
};

/** `PUT /SHARE?restype=share&comp=properties` */
export const setShareProperties: Operation = ({ state, route, request }) => {
  const quota = quotaOf(request.headers);
  return answer(200, headersOf(state.shares.update(route.share, quota === undefined ? {} : { quota })));
};

/** `PUT /SHARE?restype=share&comp=metadata` */
export const setShareMetadata: Operation = ({ state, route, request }) =>
  answer(200, headersOf(state.shares.update(route.share, { metadata: metadataOf(request.headers) })));

/** `GET /SHARE?restype=share&comp=stats`: what the files take, by their sizes. */
export const shareStats: Operation = ({ state, route }) => {
  const share = state.shares.get(route.share);
  return xmlAnswer(
    `<ShareStats><ShareUsageBytes>${usage(share, "")}</ShareUsageBytes></ShareStats>`,
    headersOf(share),
  );
};

function usage(share: Share, path: string): number {
  return share.tree
    .list(path)
    .nodes.reduce((sum, node) => sum + (node.kind === "file" ? node.size : usage(share, node.path)), 0);
}

/** `GET /SHARE?restype=share&comp=acl` */
export const shareAcl: Operation = ({ state, route }) => {
  const share = state.shares.get(route.share);
  return xmlAnswer(writePolicies(share.properties.policies), headersOf(share));
};

/** `PUT /SHARE?restype=share&comp=acl` */
export const setShareAcl: Operation = async ({ state, route, request }) => {
  const policies = readPolicies(await request.text());
  return answer(200, headersOf(state.shares.update(route.share, { policies })));
};

/** `PUT /SHARE?restype=share&comp=filepermission` */
export const createPermission: Operation = async ({ state, route, request }) => {
  const { permission } = parsePermission(await request.text());
  const key = permissionKey(permission);
  const permissions = { ...state.shares.get(route.share).properties.permissions, [key]: permission };
  state.shares.update(route.share, { permissions }, true);
  return answer(201, { "x-ms-file-permission-key": key });
};

function parsePermission(text: string): { readonly permission: string } {
  try {
    const { permission } = JSON.parse(text) as { permission?: unknown };
    if (typeof permission === "string") return { permission };
  } catch {
    // Answered below, like any other text that is not what is asked for.
  }
  throw refusal("InvalidInput");
}

/** `GET /SHARE?restype=share&comp=filepermission` */
export const getPermission: Operation = ({ state, route, request }) => {
  const { permissions } = state.shares.get(route.share).properties;
  const permission = permissions[request.headers.get("x-ms-file-permission-key") ?? ""];
  if (permission === undefined) throw refusal("InvalidHeaderValue");
  return answer(200, { "content-type": "application/json" }, JSON.stringify({ permission }));
};

/** `DELETE /SHARE?restype=share` */
export const deleteShare: Operation = ({ state, route }: Call) => {
  state.shares.delete(route.share);
  return answer(202);
};

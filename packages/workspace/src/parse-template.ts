import type { CredentialInput, DatastoreInput } from "@aml/core";
import { Secret } from "@aml/core";
import { ONE_LAKE_HINT } from "./datastore-file-types.ts";
import {
  checkKeys,
  entryOf,
  fileError,
  mapOf,
  requiredText,
  textOf,
  textsOf,
  type FileNode,
  type FileSource,
  type MapNode,
} from "./file-node.ts";
import type { ReadFile } from "./read-yaml-file.ts";
import { templateValues, type Resolve } from "./template-values.ts";

const WORKSPACES = "microsoft.machinelearningservices/workspaces";

/** By `datastoreType`: our type, its options (called the same there) and those that must be given. */
const TYPES: Readonly<
  Record<string, readonly [type: string, options: readonly string[], required: readonly string[]]>
> = {
  AzureBlob: [
    "azure_blob",
    ["accountName", "containerName", "endpoint", "protocol"],
    ["accountName", "containerName"],
  ],
  AzureFile: [
    "azure_file",
    ["accountName", "fileShareName", "endpoint", "protocol"],
    ["accountName", "fileShareName"],
  ],
  AzureDataLakeGen1: ["azure_data_lake_gen1", ["storeName"], ["storeName"]],
  AzureDataLakeGen2: [
    "azure_data_lake_gen2",
    ["accountName", "filesystem", "endpoint", "protocol"],
    ["accountName", "filesystem"],
  ],
};

/** Known, and without effect here: there is no service that would look at the data by itself. */
const WITHOUT_EFFECT = [
  "properties",
  "isDefault",
  "serviceDataAccessAuthIdentity",
  "subscriptionId",
  "resourceGroup",
];

const PRINCIPAL = ["tenantId", "clientId", "authorityUrl", "resourceUrl"];

/**
 * The datastores of an Azure Resource Manager template, as Azure ML's workspaces have them; other resources are not
 * looked at.
 *
 * @throws `config_invalid`, `unsupported` with line and column.
 * @see https://learn.microsoft.com/azure/templates/microsoft.machinelearningservices/workspaces/datastores – read 2026-11
 */
export function parseTemplate(
  template: MapNode,
  source: FileSource,
  parameters: ReadFile | undefined,
): readonly DatastoreInput[] {
  const resolve = templateValues(template, source, parameters);
  const resources = [...datastoresOf(entryOf(template, "resources")?.value, "", source)];
  if (resources.length > 0) return resources.map((resource) => toInput(resource, resolve, source));
  throw fileError(
    source,
    template.offset,
    "the template has no datastore.",
    "It needs a resource of type Microsoft.MachineLearningServices/workspaces/datastores.",
  );
}

/** Datastores at the top or within their workspace; resources are a list, or by name (as Bicep writes them). */
function* datastoresOf(node: FileNode | undefined, parent: string, source: FileSource): Generator<MapNode> {
  const resources =
    node?.kind === "list" ? node.items : node?.kind === "map" ? node.entries.map((e) => e.value) : [];
  for (const resource of resources) {
    if (resource.kind !== "map") continue;
    const own = textOf(resource, "type", source)?.toLowerCase() ?? "";
    const type = parent === "" ? own : `${parent}/${own}`;
    if (type === `${WORKSPACES}/datastores`) yield resource;
    else if (type === WORKSPACES) yield* datastoresOf(entryOf(resource, "resources")?.value, type, source);
  }
}

function toInput(resource: MapNode, resolve: Resolve, source: FileSource): DatastoreInput {
  for (const key of ["copy", "condition"]) {
    const entry = entryOf(resource, key);
    if (entry === undefined) continue;
    throw fileError(
      source,
      entry.offset,
      `'${key}' of a resource is not supported.`,
      "Write each datastore as a resource of its own, without conditions.",
      { code: "unsupported", key },
    );
  }
  const name = requiredText(resolve(only(resource, ["name"])), "name", source);
  const found = mapOf(resource, "properties", source);
  if (found === undefined) {
    throw fileError(source, resource.offset, "the datastore has no 'properties'.", "Add its properties.");
  }
  const without = found.entries.map(({ key }) => key).filter((key) => !WITHOUT_EFFECT.includes(key));
  const properties = resolve(only(found, without));
  const [type, known, required] = typeOf(properties, source);
  checkKeys(properties, ["datastoreType", "description", "tags", "credentials", ...known], source);
  for (const key of required) requiredText(properties, key, source);
  const texts = known.flatMap((key): [string, string][] => {
    const value = textOf(properties, key, source);
    return value === undefined ? [] : [[key, value]];
  });
  const description = textOf(properties, "description", source);
  const tags = textsOf(properties, "tags", source);
  return {
    // WORKSPACE/NAME at the top, NAME within the workspace.
    name: name.slice(name.lastIndexOf("/") + 1),
    type,
    options: Object.fromEntries(texts),
    credential: credentialOf(mapOf(properties, "credentials", source), source),
    ...(description !== undefined && { description }),
    ...(tags && { tags }),
  };
}

/** What else a resource holds may be computed in ways that do not matter here. */
function only(map: MapNode, keys: readonly string[]): MapNode {
  return { ...map, entries: map.entries.filter(({ key }) => keys.includes(key)) };
}

function typeOf(properties: MapNode, source: FileSource): (typeof TYPES)[string] {
  const name = requiredText(properties, "datastoreType", source);
  const known = Object.hasOwn(TYPES, name) ? TYPES[name] : undefined;
  if (known !== undefined) return known;
  const { offset } = entryOf(properties, "datastoreType") ?? properties;
  const word = /^\w{1,40}$/.test(name) ? `'${name}'` : "this";
  if (name === "OneLake") {
    throw fileError(source, offset, "datastores of type 'OneLake' are not supported.", ONE_LAKE_HINT, {
      code: "unsupported",
    });
  }
  throw fileError(
    source,
    offset,
    `${word} is not a type of datastore.`,
    `Types in templates: ${Object.keys(TYPES).join(", ")}.`,
  );
}

function credentialOf(map: MapNode | undefined, source: FileSource): CredentialInput {
  if (map === undefined) return { kind: "identity" };
  const type = requiredText(map, "credentialsType", source);
  const secret = (key: string): Secret => secretOf(map, key, source);
  switch (type) {
    case "None":
      checkKeys(map, ["credentialsType"], source);
      return { kind: "identity" };
    case "AccountKey":
      checkKeys(map, ["credentialsType", "secrets"], source);
      return { kind: "account_key", accountKey: secret("key") };
    case "Sas":
      checkKeys(map, ["credentialsType", "secrets"], source);
      return { kind: "sas", sasToken: secret("sasToken") };
    case "ServicePrincipal":
      checkKeys(map, ["credentialsType", "secrets", ...PRINCIPAL], source);
      return { kind: "service_principal", ...principalOf(map, source), clientSecret: secret("clientSecret") };
    case "Certificate":
      checkKeys(map, ["credentialsType", "secrets", "thumbprint", ...PRINCIPAL], source);
      return {
        kind: "service_principal_certificate",
        ...principalOf(map, source),
        certificate: secret("certificate"),
      };
    default:
      throw fileError(
        source,
        entryOf(map, "credentialsType")?.offset ?? map.offset,
        "this is not a type of credentials.",
        "Types: AccountKey, Sas, ServicePrincipal, Certificate, None.",
      );
  }
}

function principalOf(map: MapNode, source: FileSource): { tenantId: string; clientId: string } {
  const optional = ["authorityUrl", "resourceUrl"].flatMap((key): [string, string][] => {
    const value = textOf(map, key, source);
    return value === undefined ? [] : [[key, value]];
  });
  return {
    tenantId: requiredText(map, "tenantId", source),
    clientId: requiredText(map, "clientId", source),
    ...Object.fromEntries(optional),
  };
}

function secretOf(map: MapNode, key: string, source: FileSource): Secret {
  const secrets = mapOf(map, "secrets", source);
  if (secrets === undefined) {
    throw fileError(source, map.offset, "the credentials have no 'secrets'.", `Add "secrets" with "${key}".`);
  }
  checkKeys(secrets, ["secretsType", key], source);
  return new Secret(requiredText(secrets, key, source).replace(/^\?(?=s[a-z]=)/, ""));
}

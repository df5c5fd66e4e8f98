/**
 * Classes written for Azure's own CSI provider (secrets-store-csi-driver-provider-azure).
 *
 * Key Vault reads as the pod by workload identity, as a service principal whose secret comes with the mount, or as the
 * machine.
 */
import type { Parsed } from "../../manifests/objects.ts";
import type { ClassDialect, ClassRequest, DialectSurroundings } from "../class-dialect.ts";
import { byParameter, checkPaths, createDialectReader } from "../dialect.ts";
import type { DialectReader } from "../dialect.ts";
import { publishedSecret } from "../provider-block.ts";
import { parseAzureBlock } from "./block.ts";
import { vaultUrlIn } from "./clouds.ts";
import type { KnownCloud } from "./clouds.ts";
import { readObjects } from "./dialect-objects.ts";

export const azureDialect: ClassDialect = { provider: "azure", parse };

function parse(parameters: Readonly<Record<string, string>>, surroundings: DialectSurroundings): Parsed<ClassRequest> {
  const trimmed = Object.entries(parameters).map(([name, text]) => [name, text.trim()]);
  // Trimmed, YAML would lose the indentation of its first line.
  const reader = createDialectReader({
    ...(Object.fromEntries(trimmed) as typeof parameters),
    ...(Object.hasOwn(parameters, "objects") ? { objects: parameters["objects"]! } : {}),
  });
  const block = { ...readVault(reader), ...readTenant(reader), ...readLogin(reader, surroundings) };
  const objects = readObjects(reader, surroundings.filePermission);
  checkPaths(objects, reader.report);
  // What is missing is told already, and in the words of parameters.
  if (reader.problems.length === 0) checkBlock(block, reader);
  const [first, ...others] = reader.problems;
  if (first) return { ok: false, problems: [first, ...others] };
  const files = objects.map(({ file }) => file);
  const asProcess = "authType" in block && block.authType === "ManagedIdentity";
  return { ok: true, value: { block, files, ...(asProcess ? { processIdentity: true } : {}) } };
}

/** By their names in any letters. */
const clouds: Readonly<Record<string, KnownCloud>> = {
  azurepubliccloud: "PublicCloud",
  azurecloud: "PublicCloud",
  azureusgovernmentcloud: "USGovernmentCloud",
  azureusgovernment: "USGovernmentCloud",
  azurechinacloud: "ChinaCloud",
  azuregermancloud: "GermanCloud",
};

function readVault(reader: DialectReader): object {
  const name = reader.required("keyvaultName", "is missing; name the vault");
  if (name !== "" && !/^[-A-Za-z0-9]{3,24}$/.test(name))
    reader.report("keyvaultName", "must be the vault's name alone: 3 to 24 letters, digits and dashes");
  const given = reader.text("cloudName").toLowerCase();
  const cloud = given === "" ? "PublicCloud" : Object.hasOwn(clouds, given) ? clouds[given] : undefined;
  if (given === "azurestackcloud")
    reader.report(
      "cloudName",
      "AzureStackCloud is told by a file of the provider, which there is none of here; mount from a SecretStore with customCloudConfig",
    );
  else if (!cloud)
    reader.report(
      "cloudName",
      "is no cloud that is known; write AzurePublicCloud, AzureUSGovernmentCloud, AzureChinaCloud or AzureGermanCloud",
    );
  return cloud ? { vaultUrl: vaultUrlIn(cloud, name), environmentType: cloud } : {};
}

function readTenant(reader: DialectReader): object {
  const [tenantId, other] = [reader.text("tenantID"), reader.text("tenantId")];
  if (tenantId !== "" && other !== "" && tenantId !== other)
    reader.report("tenantId", "is another tenant than tenantID names; keep one of the two");
  if (tenantId === "" && other === "") reader.report("tenantID", "is missing; name the tenant of the identity");
  return { tenantId: tenantId || other };
}

function readLogin(reader: DialectReader, { secretKeys, processIdentity }: DialectSurroundings): object {
  const clientId = reader.text("clientID");
  const asMachine = reader.flag("useVMManagedIdentity") === true;
  if (reader.flag("usePodIdentity"))
    reader.report(
      "usePodIdentity",
      "is not supported: Azure has ended AAD Pod Identity; set clientID for workload identity instead",
    );
  if (reader.flag("useAzureTokenProxy"))
    reader.report("useAzureTokenProxy", "is not supported: the pod's token goes to Microsoft Entra itself; remove it");
  if (asMachine && clientId !== "")
    reader.report("clientID", "is workload identity, and useVMManagedIdentity is another one; keep one of the two");
  if (asMachine) {
    if (!processIdentity)
      reader.report(
        "useVMManagedIdentity",
        "reads as the node's machine, which --process-identity-namespaces does not allow for this namespace; list it there, or set clientID",
      );
    const identityId = reader.text("userAssignedIdentityID");
    return { authType: "ManagedIdentity", ...(identityId === "" ? {} : { identityId }) };
  }
  if (clientId !== "") return { authType: "WorkloadIdentity", clientId };
  return asPrincipal(reader, secretKeys);
}

/** Keys of nodePublishSecretRef. */
const principalKeys = { clientId: "clientid", clientSecret: "clientsecret" };

function asPrincipal(reader: DialectReader, secretKeys: readonly string[]): object {
  const missing = Object.values(principalKeys).filter((key) => !secretKeys.includes(key));
  if (missing.length === 2)
    reader.report(
      "clientID",
      "is missing, and no other identity is named; set it for workload identity, or nodePublishSecretRef with clientid and clientsecret",
    );
  else
    for (const key of missing) reader.report("nodePublishSecretRef", `names a Secret without the key ${key}; add it`);
  const selectors = Object.entries(principalKeys).map(([name, key]) => [name, { name: publishedSecret, key }]);
  return { authType: "ServicePrincipal", authSecretRef: Object.fromEntries(selectors) as object };
}

/** The ids, by the rules of the block itself; whether the machine's identity may be used is told already. */
function checkBlock(block: object, reader: DialectReader): void {
  const parsed = parseAzureBlock(block, { scope: "ClusterSecretStore", name: "", namespace: "" }, false);
  const parameters = {
    vaultUrl: "keyvaultName",
    tenantId: reader.text("tenantID") === "" ? "tenantId" : "tenantID",
    clientId: "clientID",
    identityId: "userAssignedIdentityID",
  };
  for (const { path, problem } of byParameter(parsed, parameters)) reader.report(path, problem);
}

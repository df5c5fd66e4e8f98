/**
 * Classes written for AWS's own CSI provider (secrets-store-csi-driver-provider-aws).
 *
 * Reads as the pod, by IRSA or Pod Identity. Whole regions fail over: the other one is asked while the first cannot be.
 */
import type { Parsed } from "../../manifests/objects.ts";
import type { ClassDialect, ClassRequest, DialectFile, DialectSurroundings } from "../class-dialect.ts";
import { byParameter, checkPaths, createDialectReader } from "../dialect.ts";
import type { DialectReader } from "../dialect.ts";
import { parseAwsBlock } from "./block.ts";
import { readObjects } from "./dialect-objects.ts";
import type { AwsObject, Places } from "./dialect-objects.ts";

export const awsDialect: ClassDialect = { provider: "aws", parse };

function parse(parameters: Readonly<Record<string, string>>, surroundings: DialectSurroundings): Parsed<ClassRequest> {
  const reader = createDialectReader(parameters);
  const places = readPlaces(reader);
  const auth = readAuth(reader, surroundings);
  const objects = readObjects(reader, places);
  checkPaths(
    objects.flatMap(({ files }) => files),
    reader.report,
  );
  checkBlocks(places, auth, surroundings, reader);
  const [first, ...others] = reader.problems;
  if (first) return { ok: false, problems: [first, ...others] };
  return { ok: true, value: requestOf(objects, places, auth, surroundings.filePermission) };
}

function readPlaces(reader: DialectReader): Places {
  const region = reader.required(
    "region",
    "is missing; name the region of these secrets: no node is asked for its own",
  );
  const failoverRegion = reader.text("failoverRegion");
  if (failoverRegion !== "" && failoverRegion === region)
    reader.report("failoverRegion", "is the region itself; name another one, or remove it");
  const given = reader.text("pathTranslation");
  const keeps = given.toLowerCase() === "false";
  if (given !== "" && !keeps && [...given].length !== 1)
    reader.report("pathTranslation", 'must be one character to put in place of each slash, or "False" to keep folders');
  return { region, failoverRegion, translation: keeps ? "" : given || "_" };
}

/** The provider asks for this one alone, whatever the account's annotations say. */
const roleAudience = "sts.amazonaws.com";

function readAuth(reader: DialectReader, { serviceAccountName: name }: DialectSurroundings): object {
  const family = reader.text("preferredAddressType").toLowerCase();
  if (reader.flag("usePodIdentity"))
    return { podIdentity: { addressType: ["ipv4", "ipv6"].includes(family) ? family : "auto" } };
  return { jwt: { serviceAccountRef: { name, audiences: [roleAudience] } } };
}

const blockOf = (service: AwsObject["service"], region: string, auth: object) => ({ service, region, auth });

/** The regions, by the rules of the block itself. */
function checkBlocks(
  { region, failoverRegion }: Places,
  auth: object,
  { namespace }: DialectSurroundings,
  { report }: DialectReader,
): void {
  const context = { scope: "SecretStore", name: "", namespace } as const;
  const regions = { region, failoverRegion };
  for (const [parameter, named] of Object.entries(regions)) {
    if (named === "") continue;
    const parsed = parseAwsBlock(blockOf("SecretsManager", named, auth), context);
    for (const { path, problem } of byParameter(parsed, { region: parameter })) report(path, problem);
  }
}

function requestOf(
  objects: readonly AwsObject[],
  { region, failoverRegion }: Places,
  auth: object,
  filePermission: number,
): ClassRequest {
  const nameOf = (service: AwsObject["service"], place: string): string => `${service} ${place}`;
  const further: Record<string, unknown> = {};
  const main = nameOf(objects[0]!.service, region);
  const files = objects.flatMap(({ service, ref, failover, files: wanted }) => {
    const name = nameOf(service, region);
    if (name !== main) further[name] = blockOf(service, region, auth);
    const other = nameOf(service, failoverRegion);
    if (failover) further[other] = blockOf(service, failoverRegion, auth);
    return wanted.map(({ path, mode = filePermission, jmesPath }): DialectFile => ({
      path,
      mode,
      ref,
      ...(name === main ? {} : { block: name }),
      ...(failover ? { failover: { ref: failover, block: other } } : {}),
      part: jmesPath === undefined ? { kind: "whole" } : { kind: "jmesPath", path: jmesPath },
      encoding: "utf-8",
      object: { id: path, version: "store" },
    }));
  });
  const block = blockOf(objects[0]!.service, region, auth);
  return { block, ...(Object.keys(further).length > 0 ? { further } : {}), files };
}

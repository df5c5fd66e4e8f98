/** Which roles are assumed after the login, and what their sessions carry. */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import type { StoreContext } from "../contract.ts";
import type { RoleStep, SessionTag } from "./config.ts";
import type { AwsBlock } from "./schema.ts";

/** As AWS writes it; the path and the name are its own business. */
const roleArn = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\x21-\x7e]{1,512}$/;

/** `additionalRoles` in their order, then `role`, which alone carries the external id and the tags. */
export function readRoles(given: AwsBlock, context: StoreContext): Parsed<readonly RoleStep[]> {
  const { role = "", additionalRoles = [], externalID = "" } = given;
  const arns = [...additionalRoles.map((arn, i) => [`additionalRoles[${i}]`, arn] as const)];
  const problems = [...arns, ...(role === "" ? [] : [["role", role] as const])].flatMap(([path, arn]): Problem[] =>
    roleArn.test(arn) ? [] : [{ path, problem: "is not a role's ARN; write arn:aws:iam::123456789012:role/name" }],
  );
  const tags = tagsOf(given, context);
  if (!tags.ok) problems.push(...tags.problems);
  if (role === "") problems.push(...withoutRole(given));
  const [first, ...others] = problems;
  if (first) return { ok: false, problems: [first, ...others] };
  if (!tags.ok) throw new Error("unreachable: a part without a value has problems");
  const last: RoleStep = {
    roleArn: role,
    ...(externalID === "" ? {} : { externalId: externalID }),
    ...(tags.value.length === 0 ? {} : { tags: tags.value }),
    ...(given.transitiveTagKeys?.length ? { transitiveTagKeys: given.transitiveTagKeys } : {}),
  };
  return { ok: true, value: [...additionalRoles.map((arn) => ({ roleArn: arn })), ...(role === "" ? [] : [last])] };
}

/** Whoever sets these relies on them, so they must not vanish. */
function withoutRole(given: AwsBlock): readonly Problem[] {
  const { externalID, sessionTags, transitiveTagKeys, sessionTagsPolicy } = given;
  const set: Readonly<Record<string, boolean>> = {
    externalID: externalID !== undefined && externalID !== "",
    sessionTags: (sessionTags?.length ?? 0) > 0,
    transitiveTagKeys: (transitiveTagKeys?.length ?? 0) > 0,
    sessionTagsPolicy: sessionTagsPolicy !== "None",
  };
  return Object.keys(set)
    .filter((path) => set[path])
    .map((path) => ({ path, problem: "has no effect without role; set role, or remove the field" }));
}

/** With a policy the tags say who reads, in place of the list: of a ClusterSecretStore that is known at the login only. */
function tagsOf(given: AwsBlock, { scope, name, namespace }: StoreContext): Parsed<readonly SessionTag[]> {
  const { sessionTagsPolicy: policy, sessionTags = [], customSessionTags = {} } = given;
  if (policy === "None") return { ok: true, value: sessionTags };
  const key = "esoNamespace";
  const own: readonly SessionTag[] = [
    scope === "ClusterSecretStore" ? { key, fact: "namespace" } : { key, value: namespace },
    { key: "esoStoreName", value: name },
    { key: "esoStoreKind", value: scope },
  ];
  const custom = policy === "Custom" ? customSessionTags : {};
  const taken = own.find((tag) => Object.hasOwn(custom, tag.key))?.key;
  if (taken !== undefined) return fail(`customSessionTags.${taken}`, "is set by the policy itself; use another key");
  return { ok: true, value: [...own, ...Object.entries(custom).map(([name, value]) => ({ key: name, value }))] };
}

function fail(path: string, problem: string): { ok: false; problems: [Problem] } {
  return { ok: false, problems: [{ path, problem }] };
}

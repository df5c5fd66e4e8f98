/**
 * Parses a `provider.aws` block of ESO's v1 schema. Knows which of its fields are honoured; everything else is a problem
 * with a path.
 */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import type { StoreContext, StoreDeps } from "../contract.ts";
import { namespaceProblem, parseBlock } from "../provider-block.ts";
import type { Selector } from "../provider-block.ts";
import type { AwsConfig } from "./config.ts";
import { chooseLogin } from "./login-choice.ts";
import { ownIdentityOf } from "./own-identity.ts";
import { readRoles } from "./roles.ts";
import { awsBlock } from "./schema.ts";
import type { AuthBlock } from "./schema.ts";

/** `ownIdentity`: what the cloud tells this process about itself. */
export function parseAwsBlock(
  raw: unknown,
  context: StoreContext,
  ownIdentity?: StoreDeps["ownIdentity"],
): Parsed<AwsConfig> {
  const parsed = parseBlock(awsBlock, raw);
  if (!parsed.ok) return parsed;
  const given = parsed.value;
  const problems: Problem[] = selectorProblems(given.auth, context);
  const roles = readRoles(given, context);
  if (!roles.ok) problems.push(...roles.problems);
  const login = chooseLogin(given.auth ?? {}, {
    context,
    roles: roles.ok ? roles.value : [],
    own: ownIdentityOf(ownIdentity),
  });
  if (!login.ok) problems.push(...login.problems);
  const [first, ...others] = problems;
  if (first) return { ok: false, problems: [first, ...others] };
  if (!roles.ok || !login.ok) throw new Error("unreachable: a part without a value has problems");
  const { service, region, prefix = "" } = given;
  return { ok: true, value: { service, region, prefix, login: login.value, roles: roles.value } };
}

function selectorProblems({ jwt, secretRef }: AuthBlock = {}, context: StoreContext): Problem[] {
  const selectors: readonly (readonly [string, Selector | undefined])[] = [
    ["auth.jwt.serviceAccountRef", jwt?.serviceAccountRef],
    ["auth.secretRef.accessKeyIDSecretRef", secretRef?.accessKeyIDSecretRef],
    ["auth.secretRef.secretAccessKeySecretRef", secretRef?.secretAccessKeySecretRef],
    ["auth.secretRef.sessionTokenSecretRef", secretRef?.sessionTokenSecretRef],
  ];
  return selectors.flatMap(([path, found]) => (found && namespaceProblem(path, found, context)) ?? []);
}

/**
 * Parses a `provider.gcpsm` block of ESO's v1 schema. Knows which of its fields are honoured; everything else is a
 * problem with a path.
 */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import type { StoreContext } from "../contract.ts";
import { namespaceProblem, parseBlock } from "../provider-block.ts";
import type { Selector } from "../provider-block.ts";
import type { GcpConfig } from "./config.ts";
import { chooseLogin } from "./login-choice.ts";
import { gcpBlock } from "./schema.ts";
import type { AuthBlock } from "./schema.ts";

export function parseGcpBlock(raw: unknown, context: StoreContext): Parsed<GcpConfig> {
  const parsed = parseBlock(gcpBlock, raw);
  if (!parsed.ok) return parsed;
  const { auth = {}, projectID, location, secretVersionSelectionPolicy: policy } = parsed.value;
  const problems = selectorProblems(auth, context);
  const project = projectID ?? auth.workloadIdentity?.clusterProjectID;
  // An address has the project in it and is made without a call, so the metadata server comes too late.
  if (project === undefined)
    problems.push({ path: "projectID", problem: "is missing; name the project that the secrets are in" });
  const login = chooseLogin(auth, context);
  if (!login.ok) problems.push(...login.problems);
  const [first, ...others] = problems;
  if (first) return { ok: false, problems: [first, ...others] };
  if (project === undefined || !login.ok) throw new Error("unreachable: a part without a value has problems");
  return {
    ok: true,
    value: {
      project,
      ...(location === undefined ? {} : { location }),
      orNewestEnabled: policy === "LatestOrFetch",
      login: login.value,
    },
  };
}

function selectorProblems(auth: AuthBlock, context: StoreContext): Problem[] {
  const { secretRef, workloadIdentity, workloadIdentityFederation: federation } = auth;
  const selectors: readonly (readonly [string, Selector | undefined])[] = [
    ["auth.secretRef.secretAccessKeySecretRef", secretRef?.secretAccessKeySecretRef],
    ["auth.workloadIdentity.serviceAccountRef", workloadIdentity?.serviceAccountRef],
    ["auth.workloadIdentityFederation.serviceAccountRef", federation?.serviceAccountRef],
    ["auth.workloadIdentityFederation.credConfig", federation?.credConfig],
  ];
  return selectors.flatMap(([path, found]) => (found && namespaceProblem(path, found, context)) ?? []);
}

/** Parses a `provider.doppler` block of ESO's v1 schema. */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import type { StoreContext } from "../contract.ts";
import { namespaceProblem, parseBlock, toSecretKeyRef } from "../provider-block.ts";
import type { DopplerConfig, DopplerLogin } from "./config.ts";
import { dopplerBlock } from "./schema.ts";
import type { AuthBlock } from "./schema.ts";

const root = "spec.provider.doppler";
export const tokenField = "auth.secretRef.dopplerToken";
const accountField = "auth.oidcConfig.serviceAccountRef";
/** As ESO has it. */
const defaultTokenKey = "dopplerToken";

/** `server`: Doppler's address, without a trailing slash. */
export function parseDopplerBlock(raw: unknown, context: StoreContext, server: string): Parsed<DopplerConfig> {
  const parsed = parseBlock(dopplerBlock, raw);
  if (!parsed.ok) return parsed;
  const { auth, project = "", config = "", format, nameTransformer } = parsed.value;
  const [first, ...others] = problemsOf(auth, { project, config }, context);
  if (first) return { ok: false, problems: [first, ...others] };
  return {
    ok: true,
    value: {
      ...{ server, project, config, login: loginOf(auth, context) },
      ...(format ? { format } : {}),
      ...(nameTransformer ? { nameTransformer } : {}),
    },
  };
}

function problemsOf(
  { secretRef, oidcConfig }: AuthBlock,
  names: Readonly<Record<"project" | "config", string>>,
  context: StoreContext,
): readonly Problem[] {
  const problems: (Problem | undefined)[] = Object.entries(names).map(([path, name]) =>
    /\p{Cc}/u.test(name) || !name.isWellFormed() ? { path, problem: "is no name that Doppler gives" } : undefined,
  );
  if (secretRef && oidcConfig)
    problems.push({ path: "auth", problem: "has several logins (secretRef, oidcConfig); keep one" });
  if (!secretRef && !oidcConfig)
    problems.push({ path: "auth", problem: "names no login; give one of secretRef, oidcConfig" });
  if (secretRef) problems.push(namespaceProblem(tokenField, secretRef.dopplerToken, context));
  if (oidcConfig) problems.push(namespaceProblem(accountField, oidcConfig.serviceAccountRef, context));
  return problems.filter((problem) => problem !== undefined);
}

function loginOf({ secretRef, oidcConfig }: AuthBlock, context: StoreContext): DopplerLogin {
  if (secretRef) {
    const token = toSecretKeyRef(`${root}.${tokenField}`, secretRef.dopplerToken, context, defaultTokenKey);
    return { method: "token", proof: { kind: "static", method: "doppler token", secrets: { token } } };
  }
  const { identity, serviceAccountRef: account } = oidcConfig!;
  const foreign = context.scope === "ClusterSecretStore" ? account.namespace : undefined;
  return {
    method: "oidc",
    identity,
    proof: {
      kind: "token",
      field: `${root}.${accountField}`,
      serviceAccount: { name: account.name, ...(foreign ? { namespace: foreign } : {}) },
      audience: account.audiences?.[0] ?? audienceOf(context),
    },
  };
}

/** For one store alone, so that a token for it opens no other; the form is ESO's. */
function audienceOf({ scope, namespace, name }: StoreContext): string {
  return scope === "ClusterSecretStore" ? `clusterSecretStore:${name}` : `secretStore:${namespace}:${name}`;
}

/**
 * Parses a `provider.vault` block of ESO's v1 schema. Knows which of its fields are honoured; everything else is a
 * problem with a path.
 */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import type { StoreContext } from "../contract.ts";
import { namespaceProblem, parseBlock } from "../provider-block.ts";
import type { Selector } from "../provider-block.ts";
import { readCaBundle } from "./ca-bundle.ts";
import type { VaultConfig } from "./config.ts";
import { chooseLogin } from "./login-choice.ts";
import { pathProblem, trimSlashes } from "./path.ts";
import { vaultBlock } from "./schema.ts";
import type { AuthBlock } from "./schema.ts";

/** `plainHttp`: http:// servers are allowed. */
export function parseVaultBlock(raw: unknown, context: StoreContext, plainHttp: boolean): Parsed<VaultConfig> {
  const parsed = parseBlock(vaultBlock, raw);
  if (!parsed.ok) return parsed;
  const given = parsed.value;
  const problems: (Problem | undefined)[] = [
    serverProblem(given.server, plainHttp),
    pathProblem("path", given.path),
    headerProblem("namespace", given.namespace),
    headerProblem("auth.namespace", given.auth?.namespace),
    ...selectorProblems(given.auth, context),
  ];
  const ca = readCaBundle(given.caBundle ?? "");
  if (!ca.ok) problems.push(...ca.problems);
  const login = chooseLogin(given.auth ?? {}, given.namespace ?? "", context);
  if (!login.ok) problems.push(...login.problems);
  const [first, ...others] = problems.filter((problem) => problem !== undefined);
  if (first) return { ok: false, problems: [first, ...others] };
  if (!ca.ok || !login.ok) throw new Error("unreachable: a part without a value has problems");
  return {
    ok: true,
    value: {
      server: new URL(given.server).href.replace(/\/+$/, ""),
      path: withoutData(trimSlashes(given.path ?? ""), given.version),
      version: given.version,
      namespace: given.namespace ?? "",
      login: login.value,
      ...(ca.value === "" ? {} : { ca: ca.value }),
    },
  };
}

/** ESO appends `/data` itself, yet its field's description calls the suffix optional: both spellings name one mount. */
function withoutData(path: string, version: "v1" | "v2"): string {
  return version === "v2" ? path.replace(/(.)\/data$/, "$1") : path;
}

function serverProblem(server: string, plainHttp: boolean): Problem | undefined {
  const problem = (what: string): Problem => ({ path: "server", problem: what });
  const url = URL.parse(server);
  if (!url || !/^https?:\/\//.test(server)) return problem("must be a URL such as https://vault.example.com:8200");
  if (url.username !== "" || url.password !== "") return problem("must not hold a user name or password; use auth");
  if (/[?#]/.test(server)) return problem("must not have a query or fragment");
  if (url.protocol === "http:" && !plainHttp) return problem("must be https://; plain http is for standalone use only");
  return undefined;
}

function headerProblem(path: string, value: string | undefined): Problem | undefined {
  if (value === undefined || /^[\x21-\x7e]*$/.test(value)) return undefined;
  return { path, problem: "must be printable ASCII without spaces" };
}

function selectorProblems(given: AuthBlock | undefined, context: StoreContext): (Problem | undefined)[] {
  const { appRole, kubernetes, jwt, tokenSecretRef } = given ?? {};
  const selectors: readonly (readonly [string, Selector | undefined])[] = [
    ["auth.tokenSecretRef", tokenSecretRef],
    ["auth.appRole.roleRef", appRole?.roleRef],
    ["auth.appRole.secretRef", appRole?.secretRef],
    ["auth.kubernetes.serviceAccountRef", kubernetes?.serviceAccountRef],
    ["auth.kubernetes.secretRef", kubernetes?.secretRef],
    ["auth.jwt.secretRef", jwt?.secretRef],
    ["auth.jwt.kubernetesServiceAccountToken.serviceAccountRef", jwt?.kubernetesServiceAccountToken?.serviceAccountRef],
  ];
  return selectors.map(([path, found]) => (found ? namespaceProblem(path, found, context) : undefined));
}

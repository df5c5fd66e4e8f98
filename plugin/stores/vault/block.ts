/**
 * Parses a `provider.vault` or `provider.openBao` block of ESO's v1 schema. Knows which of its fields are honoured;
 * everything else is a problem with a path.
 */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import type { StoreContext } from "../contract.ts";
import { namespaceProblem, parseBlock } from "../provider-block.ts";
import type { Selector } from "../provider-block.ts";
import type { AuthBlock } from "./auth-schema.ts";
import type { VaultConfig } from "./config.ts";
import { headerProblem, readConnection } from "./connection-block.ts";
import { chooseLogin } from "./login-choice.ts";
import { withSecrets } from "./login-proof.ts";
import type { BlockPlace } from "./login-proof.ts";
import { pathProblem, trimSlashes } from "./path.ts";
import { openBaoBlock, vaultBlock } from "./schema.ts";
import type { VaultBlock } from "./schema.ts";

/** ESO's mount for a block that names none. */
const openBaoPath = "kv";
const openBaoLogins = ["tokenSecretRef", "appRole", "kubernetes", "userPass"];

/** `plainHttp`: http:// servers are allowed. */
export function parseVaultBlock(raw: unknown, context: StoreContext, plainHttp: boolean): Parsed<VaultConfig> {
  const parsed = parseBlock(vaultBlock, raw);
  return parsed.ok
    ? toConfig(parsed.value, { ...context, root: context.field ?? "spec.provider.vault" }, plainHttp)
    : parsed;
}

/** `plainHttp`: http:// servers are allowed. */
export function parseOpenBaoBlock(raw: unknown, context: StoreContext, plainHttp: boolean): Parsed<VaultConfig> {
  const parsed = parseBlock(openBaoBlock, raw);
  if (!parsed.ok) return parsed;
  const given = { ...parsed.value, path: parsed.value.path ? parsed.value.path : openBaoPath };
  const config = toConfig(given, { ...context, root: "spec.provider.openBao" }, plainHttp, openBaoLogins);
  return config.ok ? { ok: true, value: { ...config.value, kvOnly: true } } : config;
}

function toConfig(
  given: VaultBlock,
  place: BlockPlace,
  plainHttp: boolean,
  logins?: readonly string[],
): Parsed<VaultConfig> {
  const connection = readConnection(given, place);
  const login = chooseLogin(given.auth ?? {}, given.namespace ?? "", place, logins);
  const problems: (Problem | undefined)[] = [
    serverProblem(given.server, plainHttp),
    pathProblem("path", given.path),
    headerProblem("namespace", given.namespace),
    headerProblem("auth.namespace", given.auth?.namespace),
    ...selectorProblems(given.auth, place),
    ...(connection.ok ? [] : connection.problems),
    ...(login.ok ? [] : login.problems),
  ];
  const [first, ...others] = problems.filter((problem) => problem !== undefined);
  if (first) return { ok: false, problems: [first, ...others] };
  if (!connection.ok || !login.ok) throw new Error("unreachable: a part without a value has problems");
  const { secrets, certificate, ...rest } = connection.value;
  // A login by certificate is made over a connection that shows it, so the block's own cannot be shown beside it.
  const shown = login.value.method === "cert" ? secrets : { ...secrets, ...certificate };
  return {
    ok: true,
    value: {
      server: new URL(given.server).href.replace(/\/+$/, ""),
      path: withoutData(trimSlashes(given.path ?? ""), given.version),
      version: given.version,
      namespace: given.namespace ?? "",
      ...rest,
      login: { ...login.value, proof: withSecrets(login.value.proof, shown) },
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

function selectorProblems(given: AuthBlock = {}, place: BlockPlace): (Problem | undefined)[] {
  const { appRole, kubernetes, ldap, userPass, jwt, cert, iam, gcp, tokenSecretRef } = given;
  const selectors: readonly (readonly [string, Selector | undefined])[] = [
    ["tokenSecretRef", tokenSecretRef],
    ["appRole.roleRef", appRole?.roleRef],
    ["appRole.secretRef", appRole?.secretRef],
    ["kubernetes.serviceAccountRef", kubernetes?.serviceAccountRef],
    ["kubernetes.secretRef", kubernetes?.secretRef],
    ["ldap.secretRef", ldap?.secretRef],
    ["userPass.secretRef", userPass?.secretRef],
    ["jwt.secretRef", jwt?.secretRef],
    ["jwt.kubernetesServiceAccountToken.serviceAccountRef", jwt?.kubernetesServiceAccountToken?.serviceAccountRef],
    ["cert.clientCert", cert?.clientCert],
    ["cert.secretRef", cert?.secretRef],
    ["iam.jwt.serviceAccountRef", iam?.jwt?.serviceAccountRef],
    ["iam.secretRef.accessKeyIDSecretRef", iam?.secretRef?.accessKeyIDSecretRef],
    ["iam.secretRef.secretAccessKeySecretRef", iam?.secretRef?.secretAccessKeySecretRef],
    ["iam.secretRef.sessionTokenSecretRef", iam?.secretRef?.sessionTokenSecretRef],
    ["gcp.secretRef.secretAccessKeySecretRef", gcp?.secretRef?.secretAccessKeySecretRef],
  ];
  return selectors.map(([path, found]) => (found ? namespaceProblem(`auth.${path}`, found, place) : undefined));
}

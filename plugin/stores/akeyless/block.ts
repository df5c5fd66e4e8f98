/**
 * Parses a `provider.akeyless` block of ESO's v1 schema. Knows which of its fields are honoured; everything else is a
 * problem with a path.
 */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import { readCaSource } from "../ca-bundle.ts";
import type { StoreContext } from "../contract.ts";
import { namespaceProblem, parseBlock } from "../provider-block.ts";
import type { Selector } from "../provider-block.ts";
import { root } from "./config.ts";
import type { AkeylessConfig } from "./config.ts";
import { chooseLogin } from "./login-choice.ts";
import { akeylessBlock } from "./schema.ts";
import type { AuthBlock } from "./schema.ts";

const publicApi = "https://api.akeyless.io";

/** `plainHttp`: http:// servers are allowed. */
export function parseAkeylessBlock(raw: unknown, context: StoreContext, plainHttp: boolean): Parsed<AkeylessConfig> {
  const parsed = parseBlock(akeylessBlock, raw);
  if (!parsed.ok) return parsed;
  const { authSecretRef: auth, akeylessGWApiURL, ignoreCache } = parsed.value;
  const server = akeylessGWApiURL?.trim() || publicApi;
  const problems: Problem[] = [...serverProblems(server, plainHttp), ...selectorProblems(auth, context)];
  const ca = readCaSource(parsed.value, root, context);
  if (!ca.ok) problems.push(...ca.problems);
  const login = chooseLogin(auth, ca.ok ? ca.value : {}, context);
  if (!login.ok) problems.push(...login.problems);
  const [first, ...others] = problems;
  if (first) return { ok: false, problems: [first, ...others] };
  if (!ca.ok || !login.ok) throw new Error("unreachable: a part without a value has problems");
  const canonical = new URL(server).href.replace(/\/+$/, "");
  return { ok: true, value: { server: canonical, ignoreCache, ca: ca.value, login: login.value } };
}

function serverProblems(server: string, plainHttp: boolean): Problem[] {
  const problem = (what: string): Problem[] => [{ path: "akeylessGWApiURL", problem: what }];
  const url = URL.parse(server);
  if (!url || !/^https?:\/\//.test(server))
    return problem("must be a URL such as https://gateway.example.com:8000/api/v2");
  if (url.username !== "" || url.password !== "") return problem("must not hold a user name or password");
  if (/[?#]/.test(server)) return problem("must not have a query or fragment");
  if (url.protocol === "http:" && !plainHttp) return problem("must be https://; plain http is for standalone use only");
  return [];
}

function selectorProblems(
  { secretRef, kubernetesAuth, accessKey, serviceAccountRef }: AuthBlock,
  context: StoreContext,
): Problem[] {
  const selectors: readonly (readonly [string, Selector | undefined])[] = [
    ["secretRef.accessID", secretRef?.accessID],
    ["secretRef.accessType", secretRef?.accessType],
    ["secretRef.accessTypeParam", secretRef?.accessTypeParam],
    ["kubernetesAuth.serviceAccountRef", kubernetesAuth?.serviceAccountRef],
    ["kubernetesAuth.secretRef", kubernetesAuth?.secretRef],
    ["serviceAccountRef", serviceAccountRef],
    ["accessKey.secretRef", accessKey?.secretRef],
  ];
  return selectors.flatMap(
    ([path, found]) => (found && namespaceProblem(`authSecretRef.${path}`, found, context)) ?? [],
  );
}

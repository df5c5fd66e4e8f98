/** Parses a `provider.azurekv` block of ESO's v1 schema; everything that is wrong with it is a problem with a path. */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import type { StoreContext } from "../contract.ts";
import { namespaceProblem, parseBlock } from "../provider-block.ts";
import type { Selector } from "../provider-block.ts";
import { readCloud } from "./clouds.ts";
import type { AzureConfig } from "./config.ts";
import { chooseLogin } from "./login-choice.ts";
import { azureBlock } from "./schema.ts";
import type { AzureBlock } from "./schema.ts";

/** `plainHttp`: http:// addresses are allowed. */
export function parseAzureBlock(raw: unknown, context: StoreContext, plainHttp: boolean): Parsed<AzureConfig> {
  const parsed = parseBlock(azureBlock, raw);
  if (!parsed.ok) return parsed;
  const cloud = readCloud(parsed.value, plainHttp);
  const login = chooseLogin(parsed.value, context);
  const [first, ...others] = [
    ...selectorProblems(parsed.value, context),
    ...(cloud.ok ? [] : cloud.problems),
    ...(login.ok ? [] : login.problems),
  ];
  if (first) return { ok: false, problems: [first, ...others] };
  if (!cloud.ok || !login.ok) throw new Error("unreachable: a part without a value has problems");
  return { ok: true, value: { ...cloud.value, login: login.value } };
}

function selectorProblems({ authSecretRef, serviceAccountRef }: AzureBlock, context: StoreContext): Problem[] {
  const selectors: readonly (readonly [string, Selector | undefined])[] = [
    ["authSecretRef.clientId", authSecretRef?.clientId],
    ["authSecretRef.tenantId", authSecretRef?.tenantId],
    ["authSecretRef.clientSecret", authSecretRef?.clientSecret],
    ["authSecretRef.clientCertificate", authSecretRef?.clientCertificate],
    ["serviceAccountRef", serviceAccountRef],
  ];
  return selectors.flatMap(([path, selector]) => (selector && namespaceProblem(path, selector, context)) ?? []);
}

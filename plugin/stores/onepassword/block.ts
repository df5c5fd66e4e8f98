/** Parses a `provider.onepassword` block of ESO's v1 schema: a 1Password Connect server and the vaults to search. */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import type { ProofNeed, StoreContext } from "../contract.ts";
import { namespaceProblem, parseBlock, toSecretKeyRef } from "../provider-block.ts";
import type { ConnectConfig } from "./config.ts";
import { connectBlock } from "./schema.ts";

export const tokenField = "auth.secretRef.connectTokenSecretRef";

/** `plainHttp`: http:// servers are allowed. */
export function parseConnectBlock(raw: unknown, context: StoreContext, plainHttp: boolean): Parsed<ConnectConfig> {
  const parsed = parseBlock(connectBlock, raw);
  if (!parsed.ok) return parsed;
  const { connectHost, vaults, auth } = parsed.value;
  const selector = auth.secretRef.connectTokenSecretRef;
  const keyProblem: Problem | undefined = selector.key
    ? undefined
    : { path: `${tokenField}.key`, problem: "is missing; name a key of the Secret" };
  const [first, ...others] = [
    hostProblem(connectHost, plainHttp),
    vaultsProblem(vaults),
    keyProblem,
    namespaceProblem(tokenField, selector, context),
  ].filter((problem) => problem !== undefined);
  if (first) return { ok: false, problems: [first, ...others] };
  const ordered = Object.entries(vaults).sort(([, a], [, b]) => a - b);
  const proof: ProofNeed = {
    kind: "static",
    method: "connect token",
    secrets: { token: toSecretKeyRef(`spec.provider.onepassword.${tokenField}`, selector, context) },
  };
  return {
    ok: true,
    value: {
      host: new URL(connectHost).href.replace(/\/+$/, ""),
      vaults: ordered.map(([name]) => name) as [string, ...string[]],
      proof,
    },
  };
}

function hostProblem(connectHost: string, plainHttp: boolean): Problem | undefined {
  const problem = (what: string): Problem => ({ path: "connectHost", problem: what });
  const url = URL.parse(connectHost);
  if (!url || !/^https?:\/\//.test(connectHost)) return problem("must be a URL such as https://connect.example.com");
  if (url.username !== "" || url.password !== "") return problem("must not hold a user name or password; use auth");
  if (/[?#]/.test(connectHost)) return problem("must not have a query or fragment");
  if (url.protocol === "http:" && !plainHttp) return problem("must be https://; plain http is for standalone use only");
  return undefined;
}

function vaultsProblem(vaults: Readonly<Record<string, number>>): Problem | undefined {
  const problem = (what: string): Problem => ({ path: "vaults", problem: what });
  const names = Object.keys(vaults);
  if (names.length === 0) return problem("is empty; name at least one vault, as in {prod: 1}");
  if (names.some((name) => name.trim() === "" || /\p{Cc}/u.test(name))) return problem("has a name that no vault has");
  if (new Set(Object.values(vaults)).size < names.length)
    return problem("gives two vaults the same place in the order; each number may stand once");
  return undefined;
}

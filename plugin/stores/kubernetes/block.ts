/** Parses a `provider.kubernetes` block of ESO's v1 schema. */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import { readCaSource } from "../ca-bundle.ts";
import type { CaSource } from "../ca-bundle.ts";
import type { StoreContext } from "../contract.ts";
import { parseBlock } from "../provider-block.ts";
import { root } from "./config.ts";
import type { KubernetesConfig } from "./config.ts";
import { chooseLogin } from "./login-choice.ts";
import { kubernetesBlock } from "./schema.ts";
import type { ServerBlock } from "./schema.ts";
import { readServer } from "./server.ts";

/** As ESO has them. */
const defaultServer = "kubernetes.default";
const defaultNamespace = "default";

/** `plainHttp`: http:// servers are allowed. */
export function parseKubernetesBlock(
  raw: unknown,
  context: StoreContext,
  plainHttp: boolean,
): Parsed<KubernetesConfig> {
  const parsed = parseBlock(kubernetesBlock, raw);
  if (!parsed.ok) return parsed;
  const { server: given = {}, remoteNamespace } = parsed.value;
  const url = given.url || defaultServer;
  const server = readServer(url, plainHttp);
  const ca = caOf(given, context);
  const login = chooseLogin(parsed.value, ca.ok ? ca.value.ref : undefined, context);
  const [first, ...others] = [
    ...(server.ok ? [] : [{ path: "server.url", problem: server.problem }]),
    ...(ca.ok ? [] : ca.problems),
    ...(login.ok ? [] : login.problems),
    ...(parsed.value.authRef ? besideKubeconfig(given) : []),
  ];
  if (first) return { ok: false, problems: [first, ...others] };
  if (!server.ok || !ca.ok || !login.ok) throw new Error("unreachable: a part without a value has problems");
  return {
    ok: true,
    value: {
      ...(login.value.method === "kubeconfig" ? {} : { server: server.url }),
      ...(ca.value.pem === undefined ? {} : { ca: ca.value.pem }),
      namespace: remoteNamespace || defaultNamespace,
      login: login.value,
    },
  };
}

function caOf(given: ServerBlock, context: StoreContext): Parsed<CaSource> {
  const ca = readCaSource(given, `${root}.server`, context);
  if (ca.ok) return ca;
  const [first, ...others] = ca.problems.map(({ path, ...rest }) => ({ ...rest, path: `server.${path}` }));
  return { ok: false, problems: [first!, ...others] };
}

/** ESO leaves these aside in silence; whoever set them believes that they count. The default is what CRDs fill in. */
function besideKubeconfig({ url = "", caBundle = "", caProvider }: ServerBlock): readonly Problem[] {
  const given = [
    ...(url === "" || url === defaultServer ? [] : ["url"]),
    ...(caBundle === "" ? [] : ["caBundle"]),
    ...(caProvider ? ["caProvider"] : []),
  ];
  return given.map((name) => ({
    path: `server.${name}`,
    problem: "stands beside authRef, whose kubeconfig names the server and its CA; remove one of them",
  }));
}

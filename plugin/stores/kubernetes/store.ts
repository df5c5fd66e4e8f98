/** The Secrets of one namespace of a cluster, by plain HTTP to its API server. */
import { Failure } from "../../core/failure.ts";
import type { Found, Store, StoreDeps } from "../contract.ts";
import { counted } from "../counted.ts";
import { labelSelector, locate, locateFind, nameOf } from "./address.ts";
import type { KubernetesConfig } from "./config.ts";
import { openSession } from "./login.ts";
import type { KubernetesSession } from "./login.ts";
import { listRefusal, readRefusal } from "./refusal.ts";
import { checkRights } from "./rights.ts";
import { namePage, secretAnswer } from "./secret-object.ts";

/** A page of metadata stays below the cap of an answer even where annotations hold whole manifests. */
const pageOf = 100;
/** Names alone; where a server does not know this form it gives whole Secrets, whose values are left where they are. */
const namesOnly = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
const mostSecrets = 10_000;

export function createKubernetesStore(
  config: KubernetesConfig,
  deps: Pick<StoreDeps, "apiServerHttp" | "clock" | "countCall" | "http" | "plainHttp">,
): Store<KubernetesSession> {
  const { namespace, login } = config;
  const { clock, countCall, plainHttp, http, apiServerHttp = http } = deps;
  const path = `/api/v1/namespaces/${namespace}/secrets`;

  const get = (place: string, accept: string, { server, send, bearer }: KubernetesSession, signal: AbortSignal) =>
    send(
      {
        method: "GET",
        url: new URL(server + place),
        headers: { accept, ...(bearer ? { authorization: bearer } : {}) },
      },
      signal,
    );

  const names = (selector: string, session: KubernetesSession, signal: AbortSignal) =>
    counted("ListSecrets", countCall, async (): Promise<readonly string[]> => {
      const found: string[] = [];
      let next = "";
      do {
        const query = new URLSearchParams({ limit: String(pageOf) });
        if (selector !== "") query.set("labelSelector", selector);
        if (next !== "") query.set("continue", next);
        const answer = await get(`${path}?${query.toString()}`, namesOnly, session, signal);
        if (answer.status !== 200) throw listRefusal(answer, namespace, clock);
        const page = namePage(answer);
        found.push(...page.names);
        if (found.length > mostSecrets)
          throw new Failure("answer_too_large", `there are more than ${mostSecrets} Secrets; narrow it with find.tags`);
        ({ next } = page);
      } while (next !== "");
      return found;
    });

  return {
    proofNeed: login.proof,
    loginRealm: [config.server ?? "kubeconfig", "kubernetes", login.method].join(" "),
    locate: (ref) => locate(namespace, ref),
    // Nothing is sent, so nothing is counted: the credential goes with each request.
    login: (proof) => Promise.resolve().then(() => openSession(config, proof, { http: apiServerHttp, plainHttp })),
    check: (session, signal) =>
      counted("CreateSelfSubjectRulesReview", countCall, () => checkRights(namespace, session, clock, signal)),
    fetch: (located, session, signal) =>
      counted("GetSecret", countCall, async () => {
        const answer = await get(`${path}/${nameOf(located)}`, "application/json", session, signal);
        if (answer.status !== 200) throw readRefusal(answer, located, namespace, clock);
        return secretAnswer(answer, located);
      }),
    find: {
      by: ["name", "tags"],
      locate: (wish) => locateFind(namespace, wish),
      async list({ name, tags }, session, signal): Promise<readonly Found[]> {
        const listed = await names(labelSelector(tags), session, signal);
        return listed.filter((one) => name?.matches(one) ?? true).map((one) => ({ name: one, key: one }));
      },
    },
  };
}

/** Whether an account may read Secrets in a namespace, by its own word to the API server: no Secret is read. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import { isJsonObject } from "../../core/json.ts";
import type { JsonObject, JsonValue } from "../../core/json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { answerInvalid, answerJson } from "../json-answer.ts";
import type { KubernetesSession } from "./login.ts";
import { apiServer, checkRefusal } from "./refusal.ts";

const group = "authorization.k8s.io";

/** Rejects with Failure: `store_denied` where no rule lets it get Secrets. */
export async function checkRights(
  namespace: string,
  { server, send, bearer }: KubernetesSession,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  const question = { apiVersion: `${group}/v1`, kind: "SelfSubjectRulesReview", spec: { namespace } };
  const answer = await send(
    {
      method: "POST",
      url: new URL(`${server}/apis/${group}/v1/selfsubjectrulesreviews`),
      headers: {
        accept: "application/json",
        "content-type": "application/json",
        ...(bearer ? { authorization: bearer } : {}),
      },
      body: SecretValue.fromText(JSON.stringify(question)),
    },
    signal,
  );
  if (answer.status !== 201) throw checkRefusal(answer, clock);
  const review = answerJson(answer, apiServer);
  const status = isJsonObject(review) ? review["status"] : undefined;
  const rules = isJsonObject(status) ? status["resourceRules"] : undefined;
  if (!isJsonObject(status) || !Array.isArray(rules)) throw answerInvalid("no rules", apiServer);
  // Authorizers beside RBAC cannot list their rules; then only a read can tell.
  if (status["incomplete"] === true || rules.some((rule) => isJsonObject(rule) && letsGetSecrets(rule))) return;
  throw new Failure(
    "store_denied",
    `the account may not read any Secret in namespace ${namespace}: give it get on secrets there`,
  );
}

/** A rule for named Secrets alone counts too: which names the manifests have is not known here. */
function letsGetSecrets(rule: JsonObject): boolean {
  const holds = (list: JsonValue | undefined, wanted: string): boolean =>
    Array.isArray(list) && (list.includes(wanted) || list.includes("*"));
  return holds(rule["apiGroups"], "") && holds(rule["resources"], "secrets") && holds(rule["verbs"], "get");
}

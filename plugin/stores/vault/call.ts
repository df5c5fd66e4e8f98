/** What a generator asks of Vault: any path, by any method that reads or makes; and which part of the answer it wants. */
import { canonicalJson } from "../../core/canonical-json.ts";
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import { isJsonObject } from "../../core/json.ts";
import type { JsonObject } from "../../core/json.ts";
import type { GeneratorCall } from "../../manifests/objects.ts";
import type { Located, StoreAnswer } from "../contract.ts";
import type { HttpAnswer } from "../http.ts";
import { goJson } from "../json-body.ts";
import { envelope, leaseOf, requestIdOf } from "./answer.ts";
import type { VaultClient } from "./client.ts";
import type { VaultConfig } from "./config.ts";
import { checkKey, located, ownRead, trimSlashes, wirePath } from "./path.ts";
import { readRefusal } from "./refusal.ts";

/** Throws Failure `ref_invalid`. The path is whole: neither the store's mount nor its version says anything of it. */
export function locateCall(call: GeneratorCall): Located {
  const path = trimSlashes(call.path);
  checkKey(path);
  return { ...located(path, canonicalJson({ call })), method: call.method === "GET" ? ownRead : call.method };
}

/** Undefined for everything that is not a generator's. */
export function callOf({ arguments: args }: Located): GeneratorCall | undefined {
  return args.startsWith('{"call":') ? (JSON.parse(args) as { call: GeneratorCall }).call : undefined;
}

/** Whether it may change what Vault holds. */
export function writes({ method }: GeneratorCall): boolean {
  return method === "POST" || method === "PUT";
}

/** Rejects with Failure, as a store's fetch does. */
export async function makeCall(
  { address }: Located,
  call: GeneratorCall,
  client: VaultClient,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const path = wirePath(address);
  if (writes(call)) return client.write(path, call.body, signal);
  if (call.method === "LIST") return client.read(`${path}?list=true`, signal);
  const query = new URLSearchParams(
    Object.entries(call.query).flatMap(([name, values]) => values.map((value): [string, string] => [name, value])),
  );
  return client.read(query.size === 0 ? path : `${path}?${query.toString()}`, signal);
}

/** Throws Failure. */
export function callAnswer(
  answer: HttpAnswer,
  at: Located,
  call: GeneratorCall,
  config: VaultConfig,
  clock: Clock,
): StoreAnswer {
  if (answer.status === 204) return empty(at, call);
  if (answer.status !== 200) {
    const refusal = callRefusal(answer, at, call, config, clock);
    if (refusal.code === "ref_not_found" && call.mayBeEmpty) return empty(at, call);
    throw refusal;
  }
  const document = envelope(answer);
  const part = call.take === "Raw" ? document : document[call.take === "Auth" ? "auth" : "data"];
  const common = { version: "", ...requestIdOf(document), ...leaseOf(document, clock) };
  return isJsonObject(part) ? { value: goJson(part), ...common } : { ...empty(at, call, document), ...common };
}

const otherPart: Readonly<Record<GeneratorCall["take"], string>> = {
  Data: "resultType: Auth takes a token, and ",
  Auth: "resultType: Data takes all but a token, and ",
  Raw: "",
};

function empty({ address }: Located, { take, mayBeEmpty }: GeneratorCall, document: JsonObject = {}): StoreAnswer {
  if (mayBeEmpty) return { value: goJson({}), version: "" };
  const hint = isJsonObject(document["auth"]) || isJsonObject(document["data"]) ? otherPart[take] : "";
  throw new Failure(
    "answer_invalid",
    `vault's answer at "${address}" holds no ${take === "Auth" ? "auth" : "data"}; ${hint}allowEmptyResponse: true lets the result be empty`,
  );
}

function callRefusal(answer: HttpAnswer, at: Located, call: GeneratorCall, config: VaultConfig, clock: Clock): Failure {
  const { method } = call;
  switch (answer.status) {
    case 400:
      return new Failure(
        "store_invalid",
        `vault does not take the ${method} of "${at.address}" (400): check path, method and parameters of the generator`,
      );
    case 401:
    case 403:
      return new Failure(
        "store_denied",
        `vault refused the ${method} of "${at.address}" (${answer.status}): the token has ended, or its policies lack ${rightFor(method)} on it`,
      );
    case 405:
      return new Failure(
        "store_invalid",
        `the engine at "${at.address}" knows no ${method} (405): check path and method of the generator`,
      );
    default:
      return readRefusal(answer, at, config, clock);
  }
}

function rightFor(method: GeneratorCall["method"]): string {
  if (method === "GET") return "read";
  return method === "LIST" ? "list" : "update";
}

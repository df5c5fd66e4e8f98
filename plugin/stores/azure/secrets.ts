/**
 * Secrets through Azure's own client, which comes with this module: import it when it is used.
 *
 * A client is made for one call, with that call's token: nothing of it outlives the call, so no token can be taken for
 * another. Of its pipeline only the step that writes the API version is left. The others log, repeat, follow redirects,
 * look for proxies in the environment, say what this machine is, and ask without a token first.
 */
import { SecretClient } from "@azure/keyvault-secrets";
import type { SecretProperties } from "@azure/keyvault-secrets";
import { Failure } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Located, StoreAnswer } from "../contract.ts";
import type { HttpAnswer } from "../http.ts";
import { metadataArgument, partsOf, pemForm } from "./address.ts";
import { metadataJson } from "./metadata.ts";
import { Refused } from "./refused.ts";
import { answerInvalid, apiVersion, requestIdOf } from "./vault.ts";
import type { Ask } from "./vault.ts";

type HttpClient = NonNullable<NonNullable<ConstructorParameters<typeof SecretClient>[2]>["httpClient"]>;
type SdkAnswer = Awaited<ReturnType<HttpClient["sendRequest"]>>;

/** Rejects with Refused, or Failure. */
export async function readSecret(vaultUrl: string, located: Located, ask: Ask): Promise<StoreAnswer> {
  const { version } = located;
  let ofRequest: { requestId?: string } = {};
  const noting: Ask = async (url) => {
    const answer = await ask(url);
    ofRequest = requestIdOf(answer);
    return answer;
  };
  const found = await called(() =>
    openClient(vaultUrl, noting).getSecret(partsOf(located).name, version === "" ? {} : { version }),
  );
  const { value, properties } = found;
  if (typeof value !== "string") throw answerInvalid("no value");
  if (!properties.version) throw answerInvalid("no version");
  if (version !== "" && properties.version !== version) throw answerInvalid("another version than was asked for");
  if (located.arguments !== metadataArgument)
    return { value: await writtenIn(located.arguments, value, properties), version: properties.version, ...ofRequest };
  // Tags change without a new version.
  return { value: metadataJson(properties.tags, datesOf(properties)), version: "", ...ofRequest };
}

const pfxType = "application/x-pkcs12";

/** A certificate's secret is a PFX in base64, or PEM by itself; another secret of the same type is left alone. */
async function writtenIn(form: string, value: string, { certificateKeyId, contentType }: SecretProperties) {
  const isPfx = certificateKeyId !== undefined && contentType === pfxType;
  if (form !== pemForm || !isPfx) return SecretValue.fromText(value);
  return (await import("./file-forms.ts")).pemOfPfx(value);
}

export interface ListedSecret {
  readonly name: string;
  readonly enabled: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** All secrets of the vault, page by page. Rejects with Refused, or Failure. */
export async function listSecrets(vaultUrl: string, ask: Ask): Promise<ListedSecret[]> {
  return called(async () => {
    const listed: ListedSecret[] = [];
    for await (const page of openClient(vaultUrl, ask).listPropertiesOfSecrets().byPage())
      for (const { name, enabled, tags = {} } of page) listed.push({ name, enabled: enabled === true, tags });
    return listed;
  });
}

const kept = "ClientApiVersionPolicy";

/** Of the SDK's pipeline what is used here; the SDK keeps its type to itself. */
interface Pipeline {
  getOrderedPolicies(): readonly { readonly name: string }[];
  removePolicy(which: { readonly name: string }): unknown;
}

function openClient(vaultUrl: string, ask: Ask): SecretClient {
  const client = new SecretClient(vaultUrl, noCredential, {
    serviceVersion: apiVersion,
    httpClient: { sendRequest: async (request) => sdkAnswer(request, await ask(new URL(request.url))) },
  });
  const { pipeline } = client["client"] as { readonly pipeline: Pipeline };
  for (const { name } of pipeline.getOrderedPolicies()) if (name !== kept) pipeline.removePolicy({ name });
  return client;
}

/** Never asked: the steps that would are taken out. */
const noCredential = { getToken: () => Promise.resolve(null) };

function sdkAnswer(request: SdkAnswer["request"], { status, headers, body }: HttpAnswer): SdkAnswer {
  const named = Object.entries(headers);
  return {
    request,
    status,
    headers: {
      get: (name) => headers[name.toLowerCase()],
      has: (name) => Object.hasOwn(headers, name.toLowerCase()),
      set: () => undefined,
      delete: () => undefined,
      toJSON: () => ({ ...headers }),
      [Symbol.iterator]: () => named[Symbol.iterator](),
    },
    bodyAsText: body.reveal().toString("utf8"),
  };
}

async function called<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof Failure || thrown instanceof Refused) throw thrown;
    // Its parsers quote the answer in what they throw.
    throw answerInvalid("something that its client cannot read");
  }
}

function datesOf({ expiresOn, createdOn, updatedOn, notBefore }: SecretProperties) {
  return {
    expires: secondsOf(expiresOn),
    created: secondsOf(createdOn),
    updated: secondsOf(updatedOn),
    notBefore: secondsOf(notBefore),
  };
}

function secondsOf(date: Date | undefined): number | undefined {
  return date instanceof Date ? date.getTime() / 1_000 : undefined;
}

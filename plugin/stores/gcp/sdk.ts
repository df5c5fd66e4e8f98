/**
 * Secret Manager through Google's client, which comes with this module: import it when it is used.
 *
 * One client serves the whole process: it shapes requests and reads answers, and holds no credential, address or
 * connection. One for each identity would cost 26 KiB of heap, a session costs 5. Each call brings along what it needs,
 * found again by the call's own id when the client asks for the network. An id is given once, so no call can be sent with
 * another's token.
 *
 * The client repeats nothing and looks for no credentials, and what the environment would make it print or send is
 * taken out: its log has the secrets in it.
 */
import { randomUUID } from "node:crypto";
import { SecretManagerServiceClient } from "@google-cloud/secret-manager";
import { AuthClient } from "google-auth-library";
import { Failure } from "../../core/failure.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import type { HttpSend } from "../http.ts";
import { answerInvalid, answerObject } from "./refusal.ts";
import { Refused } from "./refused.ts";

export type { SecretManagerServiceClient };

/** What a call brings along. */
export interface CallOf {
  readonly send: HttpSend;
  /** The header as it is sent. */
  readonly authorization: SecretValue;
  /** Scheme, host and any path before that of the API. */
  readonly endpoint: string;
}

/** What every method of the client takes beside its request. */
export type CallOptions = NonNullable<Parameters<SecretManagerServiceClient["listSecretsAsync"]>[1]>;

type Asked = Parameters<AuthClient["request"]>[0];

/** Google repeats it in the audit log of the project (`requestMetadata.requestAttributes.reason`). */
const callIdHeader = "x-goog-request-reason";
/** In place of one that tells Google about this machine. */
const userAgent = "keyferry";
/** Of the client itself, behind the caller's signal; it takes no value for "none". Milliseconds. */
const timeoutMs = 60_000;

/** The client's way to the network: each request goes out with what its call brought along. */
class CarriedCalls extends AuthClient {
  readonly #calls = new Map<string, CallOf>();

  constructor() {
    super({ useAuthRequestParameters: false });
  }

  async during<T>(call: CallOf, work: (id: string) => Promise<T>): Promise<T> {
    const id = randomUUID();
    this.#calls.set(id, call);
    try {
      return await work(id);
    } finally {
      this.#calls.delete(id);
    }
  }

  override async request<T>(asked: Asked): ReturnType<typeof AuthClient.prototype.request<T>> {
    const headers = new Headers(asked.headers);
    const id = headers.get(callIdHeader) ?? "";
    const call = this.#calls.get(id);
    if (!call || !(asked.url instanceof URL)) throw new Error("a request that belongs to no call");
    const routing = headers.get("x-goog-request-params");
    const answer = await call.send(
      {
        method: asked.method ?? "GET",
        url: new URL(call.endpoint + asked.url.pathname + asked.url.search),
        headers: {
          accept: "application/json",
          authorization: call.authorization,
          "user-agent": userAgent,
          [callIdHeader]: id,
          ...(routing === null ? {} : { "x-goog-request-params": routing }),
        },
      },
      asked.signal ?? AbortSignal.abort(),
    );
    if (answer.status < 200 || answer.status > 299) throw new Refused(answer);
    // The client's own parser has no bounds.
    answerObject(answer.body);
    return new Response(new Uint8Array(answer.body.reveal()), { status: 200 }) as never;
  }

  // What an authority has to have; the client looks for the first by its name alone.
  override getRequestHeaders(): Promise<Headers> {
    return Promise.resolve(new Headers());
  }
  override getAccessToken(): Promise<Record<string, never>> {
    return Promise.resolve({});
  }
}

const calls = new CarriedCalls();
const client = createClient();

function createClient(): SecretManagerServiceClient {
  const made = new SecretManagerServiceClient({
    fallback: true,
    authClient: calls,
    enableTelemetryTracing: false,
    enableTelemetryLogging: false,
  });
  const silent = (): void => undefined;
  return Object.assign(made, { _log: { debug: silent, info: silent, warn: silent, error: silent } });
}

/**
 * Runs one call. Resolves with its answer and its id. Rejects with Refused, with the signal's own reason when it aborted,
 * and with Failure otherwise.
 */
export async function callSecretManager<T>(
  call: CallOf,
  work: (client: SecretManagerServiceClient, options: CallOptions) => Promise<T>,
  signal: AbortSignal,
): Promise<{ readonly answer: T; readonly id: string }> {
  signal.throwIfAborted();
  return calls.during(call, async (id) => {
    const options = { otherArgs: { headers: { [callIdHeader]: id } }, retry: null, timeout: timeoutMs, signal };
    try {
      return { answer: await work(client, { ...options, autoPaginate: false }), id };
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      const cause = thrown instanceof Error ? thrown.cause : undefined;
      for (const known of [thrown, cause]) if (known instanceof Refused || known instanceof Failure) throw known;
      // Its parsers quote the answer in what they throw.
      throw answerInvalid("something that its client cannot read");
    }
  });
}

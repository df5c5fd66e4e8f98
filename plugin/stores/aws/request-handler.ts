/**
 * The SDK's way to the network: every request goes out through the stores' own sender, so that addresses, sizes,
 * redirects and deadlines are judged there and nowhere else.
 *
 * A refusal is taken out of the SDK's hands before its parsers see it: what AWS said stays inside `Refused`, to be
 * compared with known words and never shown.
 */
import { isJsonObject, parseJson } from "../../core/json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { HttpAnswer, HttpSend } from "../http.ts";

/** What AWS says when it says no. */
export interface Refusal {
  readonly status: number;
  /** AWS's name of the error, e.g. `AccessDeniedException`; empty when something else answered. */
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether its message has these words; the message itself is not shown to anybody. */
  says(words: RegExp): boolean;
}

/** Any status but 2xx. */
export class Refused extends Error implements Refusal {
  override readonly name = "Refused";
  readonly status: number;
  readonly type: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly #said: string;

  constructor({ status, headers, body }: HttpAnswer) {
    super("AWS refused a request");
    const text = body.reveal().toString("utf8");
    const { type, said } = /^\s*</.test(text) ? ofXml(text) : ofJson(text);
    this.status = status;
    this.type = typeName(type || (headers["x-amzn-errortype"] ?? ""));
    this.headers = headers;
    this.#said = said;
  }

  says(words: RegExp): boolean {
    return words.test(this.#said);
  }
}

/** What the SDK hands over. Every call of the services here is a POST without a query. */
interface SdkRequest {
  readonly method: string;
  readonly protocol: string;
  readonly hostname: string;
  readonly port?: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

export interface RequestHandler {
  readonly metadata: { readonly handlerProtocol: string };
  handle(
    request: SdkRequest,
    options?: { readonly abortSignal?: AbortSignal },
  ): Promise<{ response: { statusCode: number; headers: Record<string, string>; body: Uint8Array } }>;
  updateHttpClientConfig(): void;
  httpHandlerConfigs(): Record<string, never>;
}

/** In place of one that tells AWS about this machine. */
const userAgent = "keyferry";
/** A signature and a session's token speak for the identity. */
const secretHeaders = new Set(["authorization", "x-amz-security-token"]);

/** `signal`: for calls that the SDK makes without one. */
export function createRequestHandler(send: HttpSend, signal?: AbortSignal): RequestHandler {
  return {
    metadata: { handlerProtocol: "http/1.1" },
    async handle(request, options) {
      const answer = await send(
        {
          method: request.method,
          url: urlOf(request),
          headers: headersOf(request.headers),
          ...(request.body === undefined ? {} : { body: new SecretValue(bytesOf(request.body)) }),
        },
        signal ?? options?.abortSignal ?? AbortSignal.abort(),
      );
      if (answer.status < 200 || answer.status > 299) throw new Refused(answer);
      return {
        response: { statusCode: answer.status, headers: { ...answer.headers }, body: answer.body.reveal() },
      };
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
}

function urlOf({ protocol, hostname, port, path }: SdkRequest): URL {
  return new URL(`${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`);
}

/** The SDK's own bytes warn on the console when anything but bytes is asked of them, which Buffer.from does. */
function bytesOf(body: string | Uint8Array): Uint8Array {
  return typeof body === "string" ? Buffer.from(body) : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

function headersOf(headers: Readonly<Record<string, string>>): Record<string, string | SecretValue> {
  const sent = Object.entries(headers).map(([name, value]) => [
    name,
    secretHeaders.has(name.toLowerCase()) ? SecretValue.fromText(value) : value,
  ]);
  return { ...(Object.fromEntries(sent) as Record<string, string | SecretValue>), "user-agent": userAgent };
}

interface Said {
  readonly type: string;
  readonly said: string;
}

/** `{"__type": "com.amazonaws.secretsmanager#ResourceNotFoundException", "Message": "…"}` */
function ofJson(text: string): Said {
  try {
    const document = parseJson(text);
    if (!isJsonObject(document)) return { type: "", said: "" };
    const { __type: type, message, Message } = document;
    const said = [message, Message].find((one) => typeof one === "string") ?? "";
    return { type: typeof type === "string" ? type : "", said };
  } catch {
    return { type: "", said: "" };
  }
}

/** `<ErrorResponse><Error><Code>AccessDenied</Code><Message>…</Message></Error></ErrorResponse>` */
function ofXml(text: string): Said {
  const member = (name: string): string => new RegExp(`<${name}>([^<]{0,4096})</${name}>`).exec(text)?.[1] ?? "";
  return { type: member("Code"), said: member("Message") };
}

/** One of several reads in a call, refused as the call for it alone would have been. */
export function refusalOf(code: string | undefined, message: string | undefined): Refusal {
  return { status: 400, type: typeName(code ?? ""), headers: {}, says: (words) => words.test(message ?? "") };
}

/** Without the namespace before it and the address behind it; empty when it is no name. */
function typeName(type: string): string {
  const bare = type.replace(/^.*#/, "").replace(/:.*$/, "");
  return /^[A-Za-z][A-Za-z0-9.]{0,99}$/.test(bare) ? bare : "";
}

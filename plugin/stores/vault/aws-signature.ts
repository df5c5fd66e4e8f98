/** AWS's signature, version 4, of one request whose body is a form. Pure: no environment, no clock of its own. */
import { createHmac, hash } from "node:crypto";
import type { SecretValue } from "../../core/secret-value.ts";

export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: SecretValue;
  readonly sessionToken?: SecretValue;
}

export interface FormRequest {
  readonly url: URL;
  readonly body: string;
  /** Signed with the others. Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
}

const algorithm = "AWS4-HMAC-SHA256";

/** All headers of the request, lower-case names; `authorization` and `x-amz-security-token` speak for the identity. */
export function signedHeaders(
  { url, body, headers = {} }: FormRequest,
  { accessKeyId, secretAccessKey, sessionToken }: AwsKeys,
  scope: { readonly region: string; readonly service: string },
  atMs: number,
): Readonly<Record<string, string>> {
  const time = new Date(atMs).toISOString().replace(/[-:]|\.\d+/g, "");
  const day = time.slice(0, 8);
  const all: Readonly<Record<string, string>> = {
    ...headers,
    "content-length": String(Buffer.byteLength(body)),
    "content-type": "application/x-www-form-urlencoded; charset=utf-8",
    host: url.host,
    "x-amz-date": time,
    ...(sessionToken ? { "x-amz-security-token": sessionToken.reveal().toString("utf8") } : {}),
  };
  const names = Object.keys(all).sort();
  const canonical = [
    "POST",
    url.pathname,
    "",
    ...names.map((name) => `${name}:${all[name]!.trim().replace(/ +/g, " ")}`),
    "",
    names.join(";"),
    hash("sha256", body),
  ].join("\n");
  const place = `${day}/${scope.region}/${scope.service}/aws4_request`;
  const toSign = [algorithm, time, place, hash("sha256", canonical)].join("\n");
  const secret = Buffer.concat([Buffer.from("AWS4"), secretAccessKey.reveal()]);
  const key = [day, scope.region, scope.service, "aws4_request"].reduce<Buffer>(hmac, secret);
  const signature = hmac(key, toSign).toString("hex");
  const authorization = `${algorithm} Credential=${accessKeyId}/${place}, SignedHeaders=${names.join(";")}, Signature=${signature}`;
  return { ...all, authorization };
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

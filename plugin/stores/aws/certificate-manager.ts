/**
 * Certificate Manager's JSON calls. The SDK's client for them is not in the house, so requests are made here and signed
 * by the SDK's own signer, which comes with this module: import it when it is used.
 */
import { STSClient } from "@aws-sdk/nested-clients/sts";
import { isJsonObject, parseJson } from "../../core/json.ts";
import type { JsonObject } from "../../core/json.ts";
import type { StoreDeps } from "../contract.ts";
import { fingerprintOf, freshPassphrase, pemOf } from "./exported-certificate.ts";
import { requestIdOf } from "./reads.ts";
import type { ServiceReads } from "./reads.ts";
import { answerInvalid, clientSettings } from "./sdk.ts";
import type { Credentials, SdkTarget } from "./sdk.ts";

interface Answered {
  readonly document: JsonObject;
  readonly requestId: string | undefined;
}

type Call = (operation: string, body: object, signal: AbortSignal) => Promise<Answered>;

export function openReads(target: SdkTarget, credentials: Credentials, clock: StoreDeps["clock"]): ServiceReads {
  const call = createCall(target, credentials, clock);
  return {
    value: {
      name: "ExportCertificate",
      action: "acm:ExportCertificate",
      async run({ address }, signal) {
        const passphrase = freshPassphrase();
        const body = { CertificateArn: address, Passphrase: Buffer.from(passphrase).toString("base64") };
        const { document, requestId } = await call("ExportCertificate", body, signal);
        const { Certificate: certificate, CertificateChain: chain, PrivateKey: key } = document;
        if (typeof certificate !== "string" || typeof key !== "string") throw answerInvalid("no whole certificate");
        const value = pemOf({ certificate, chain: typeof chain === "string" ? chain : "", key }, passphrase);
        return { value, version: "", validator: fingerprintOf(certificate), ...requestIdOf({ requestId }) };
      },
    },
    // An export costs money, and this question does not. The key belongs to the certificate, so it changes with it.
    unchanged: {
      name: "GetCertificate",
      action: "acm:GetCertificate",
      async run({ address }, validator, signal) {
        const { document } = await call("GetCertificate", { CertificateArn: address }, signal);
        if (typeof document["Certificate"] !== "string") throw answerInvalid("no Certificate");
        return fingerprintOf(document["Certificate"]) === validator;
      },
    },
  };
}

/** In the SDK's requests: what it signs, and what it hands to the request handler. */
function createCall(
  { region, endpoint, handler }: SdkTarget,
  credentials: Credentials,
  clock: StoreDeps["clock"],
): Call {
  const { config } = new STSClient(clientSettings({ region, endpoint, handler }, credentials));
  return async (operation, body, signal) => {
    const url = endpoint === undefined ? ownUrl(config.endpointProvider({ Region: region }).url) : new URL(endpoint);
    const request = {
      method: "POST",
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === "" ? {} : { port: Number(url.port) }),
      path: url.pathname,
      query: {},
      headers: {
        host: url.host,
        "content-type": "application/x-amz-json-1.1",
        "x-amz-target": `CertificateManager.${operation}`,
      },
      body: JSON.stringify(body),
    };
    const signer = await config.signer({ name: "sigv4", signingName: "acm", signingRegion: region, properties: {} });
    const signed = await signer.sign(request, { signingDate: new Date(clock.nowMs()), signingService: "acm" });
    const { response } = await handler.handle({ ...request, headers: signed.headers }, { abortSignal: signal });
    const document = parseJson(new TextDecoder().decode(response.body));
    if (!isJsonObject(document)) throw answerInvalid("something that is no JSON object");
    return { document, requestId: response.headers["x-amzn-requestid"] };
  };
}

/** The SDK knows how the hosts of each partition end. */
function ownUrl(sts: URL): URL {
  const url = new URL(sts);
  url.hostname = url.hostname.replace(/^sts\./, "acm.");
  return url;
}

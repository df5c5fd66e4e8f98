/**
 * Reads parameters of Parameter Manager as they are rendered: what refers to secrets in them is replaced by Google, under the
 * parameter's own identity. Its one call goes without Google's client.
 */
import { randomUUID } from "node:crypto";
import type { JsonValue } from "../../core/json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Located, StoreAnswer, StoreDeps } from "../contract.ts";
import { counted } from "../counted.ts";
import type { HttpSend } from "../http.ts";
import { parameterLocation } from "./address.ts";
import { answerInvalid, answerObject, readRefusal } from "./refusal.ts";
import { Refused } from "./refused.ts";

export interface RenderDeps extends Pick<StoreDeps, "clock" | "countCall"> {
  readonly send: HttpSend;
  /** The header that shows the access token. */
  readonly authorization: SecretValue;
  readonly endpoints: NonNullable<StoreDeps["endpoints"]>;
}

/** Of Google's answer to a call that its audit log has by this id. */
const callIdHeader = "x-goog-request-reason";

/** Rejects with Failure, see `Store.fetch`. */
export async function renderParameter(
  { address, version }: Located,
  { send, authorization, clock, countCall, endpoints }: RenderDeps,
  signal: AbortSignal,
): Promise<StoreAnswer> {
  const call = {
    name: "RenderParameterVersion",
    right: "parametermanager.parameterVersions.render",
    about: address,
    version,
    service: "Parameter Manager",
  } as const;
  const name = `${address}/versions/${version}`;
  const endpoint = endpoints["CLOUDSDK_API_ENDPOINT_OVERRIDES_PARAMETERMANAGER"] ?? serverOf(address);
  const id = randomUUID();
  return counted(call.name, countCall, async () => {
    const answer = await send(
      {
        method: "GET",
        url: new URL(`${endpoint}/v1/${name}:render`),
        headers: { accept: "application/json", authorization, "user-agent": "keyferry", [callIdHeader]: id },
      },
      signal,
    );
    if (answer.status !== 200) throw readRefusal(new Refused(answer), call, clock);
    const { parameterVersion, renderedPayload } = answerObject(answer.body);
    if (withoutProject(parameterVersion) !== withoutProject(name))
      throw answerInvalid("another parameter than was asked for");
    if (typeof renderedPayload !== "string" || !/^[A-Za-z0-9+/]*={0,2}$/.test(renderedPayload))
      throw answerInvalid("no rendered payload");
    return { value: new SecretValue(Buffer.from(renderedPayload, "base64")), version, requestId: id };
  });
}

/** A project is asked for by its id, and answered by its number. */
function withoutProject(name: JsonValue | undefined): string {
  return typeof name === "string" ? name.replace(/^projects\/[^/]+\//, "") : "";
}

function serverOf(address: string): string {
  const location = parameterLocation(address);
  return location === "global"
    ? "https://parametermanager.googleapis.com"
    : `https://parametermanager.${location}.rep.googleapis.com`;
}

/** The key of the proofs that Secrets are as they were written: one Secret for all sync processes of an installation. */
import { randomBytes } from "node:crypto";
import { Failure } from "../core/failure.ts";
import { KubeFailure, type KubeApi, type KubeObject } from "./contract.ts";
import { ownManager, secrets } from "./resources.ts";
import { decodeData } from "./secret-object.ts";

const name = "keyferry-digest-key";
const member = "key";
const keyBytes = 32;

/** Makes it when it is not there. Rejects with Failure: `kube_unavailable`, or `manifest_invalid` for another content. */
export async function loadDigestKey(api: KubeApi, namespace: string, signal: AbortSignal): Promise<Buffer> {
  const found = (await api.get(secrets, { namespace, name }, signal)) ?? (await make(api, namespace, signal));
  const key = decodeData(found["data"]).get(member);
  if (key?.byteLength === keyBytes) return key.reveal();
  throw new Failure(
    "manifest_invalid",
    `Secret ${namespace}/${name} has no ${keyBytes} bytes under "${member}"; delete it, and a new one is made`,
  );
}

async function make(api: KubeApi, namespace: string, signal: AbortSignal): Promise<KubeObject> {
  const data = { [member]: randomBytes(keyBytes).toString("base64") };
  const secret = { apiVersion: "v1", kind: "Secret", metadata: { namespace, name }, type: "Opaque", data };
  try {
    return await api.create(secrets, secret, signal, { fieldManager: ownManager });
  } catch (thrown) {
    if (!(thrown instanceof KubeFailure && thrown.status === 409)) throw thrown;
    // Another process was first: its key is the one.
    const theirs = await api.get(secrets, { namespace, name }, signal);
    if (theirs) return theirs;
    throw thrown;
  }
}

/** The envelopes that Vault puts around everything it says. */
import { randomUUID } from "node:crypto";

export interface VaultAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** The body of every refusal. */
export function refusal(status: number, ...errors: readonly string[]): VaultAnswer {
  return { status, body: { errors } };
}

/** The body of every success; `request_id` is new for each. */
export function success(members: Readonly<Record<string, unknown>>, status = 200): VaultAnswer {
  const empty = { lease_id: "", renewable: false, lease_duration: 0, data: null, wrap_info: null, warnings: null };
  return { status, body: { request_id: randomUUID(), ...empty, auth: null, ...members } };
}

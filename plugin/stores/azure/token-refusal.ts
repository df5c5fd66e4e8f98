/** What it means when Azure gives no token, in words that name the knob and never what Azure said. */
import type { Clock } from "../../core/clock.ts";
import { Failure } from "../../core/failure.ts";
import { retryAfterMs } from "../http-retry-after.ts";
import type { Refused } from "./refused.ts";

const federation =
  "add a federated credential to the identity whose issuer is this cluster's, whose subject is system:serviceaccount:NAMESPACE:NAME and whose audience is the token's";

/** By the number in AADSTS…; every one of them is about who asks, not about what is read. */
const knobs = new Map<number, string>([
  [7000215, "the client secret is not valid: write its value, not its id"],
  [7000222, "the client secret has expired: make a new one"],
  [7000112, "the application is disabled in its tenant"],
  [7000232, "the application is not admitted by its tenant: check its service principal"],
  [700016, "the tenant has no application with this client id: check client id and tenant id"],
  [700021, federation],
  [70021, federation],
  [700211, `no federated credential has the token's issuer: ${federation}`],
  [700212, `no federated credential has the token's audience: ${federation}`],
  [700213, `no federated credential has the token's subject: ${federation}`],
  [700024, "the token is not valid at this time: compare the clocks of this node, the cluster and Azure"],
  [700027, "the certificate is not one of the application's: upload it there, or use the one that is"],
  [700030, "the certificate is not one of the application's: upload it there, or use the one that is"],
  [5000811, "the token's signature cannot be verified: check that the issuer's keys are published"],
  [50166, "the token's issuer cannot be reached from Azure: check that its discovery document is public"],
  [90002, "there is no such tenant: check tenant id and environmentType"],
  [900023, "the tenant id is none: check it"],
  [900382, "the application is of another cloud: check environmentType"],
  [500011, "the tenant does not know this cloud's vaults: check environmentType and customCloudConfig"],
  [53003, "a conditional access policy of the tenant blocks this place"],
]);
const throttles = [50196, 90055];
const passing = [90033, 90036, 900144];

export interface TokenCall {
  /** For messages: `Microsoft Entra`. */
  readonly server: string;
  /** Said when nothing better is known. */
  readonly hint: string;
}

/** For any refusal of a token. */
export function tokenRefusal(refused: Refused, { server, hint }: TokenCall, clock: Clock): Failure {
  const { status, numbers } = refused;
  const wait = retryAfterMs(refused.headers, clock);
  const options = wait === undefined ? {} : { retryAfterMs: wait };
  const code = codeOf(refused);
  if (status === 429 || numbers.some((one) => throttles.includes(one)))
    return new Failure("store_throttled", `${server} is throttling logins (${code})`, options);
  const isPassing = numbers.some((one) => passing.includes(one)) || refused.is("temporarily_unavailable");
  if (![400, 401, 403].includes(status) || isPassing) return unavailable(refused, server, options);
  const knob = numbers.map((one) => knobs.get(one)).find((one) => one !== undefined);
  return new Failure("store_login_denied", `${server} refused the login (${code}): ${knob ?? hint}`);
}

function unavailable(refused: Refused, server: string, options: { retryAfterMs?: number }): Failure {
  if (refused.status === 404 && refused.codes.length === 0)
    return new Failure("answer_invalid", `${server} answered with a page that is not there (404); check its address`);
  return new Failure("store_error", `${server} failed the login (${codeOf(refused)})`, options);
}

function codeOf({ status, numbers }: Refused): string {
  return numbers.length === 0 ? String(status) : `${status} AADSTS${numbers[0]}`;
}

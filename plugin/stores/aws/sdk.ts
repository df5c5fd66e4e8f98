/**
 * What every client of the SDK is made with: all that it would otherwise take from the environment, from files of this
 * machine or from its metadata service is given here, and what it would tell AWS about them is taken out.
 *
 * The SDK neither repeats a request nor looks for credentials: both are for the read path.
 */
import { Failure } from "../../core/failure.ts";
import { Refused } from "./request-handler.ts";
import type { RequestHandler } from "./request-handler.ts";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface SdkTarget {
  readonly region: string;
  /** Absent = the service's own for the region. */
  readonly endpoint: string | undefined;
  readonly handler: RequestHandler;
}

/** Of any client. `credentials`: absent for calls that are not signed. */
export function clientSettings({ region, endpoint, handler }: SdkTarget, credentials?: Credentials) {
  return {
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    // The SDK notes things in the object that it is given.
    ...(credentials === undefined ? {} : { credentials: { ...credentials } }),
    requestHandler: handler as never,
    maxAttempts: 1,
    retryMode: "standard",
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    ignoreConfiguredEndpointUrls: true,
    disableClockSkewCorrection: false,
    authSchemePreference: [] as string[],
  };
}

/** Steps of the SDK that send what stands in the environment, or what this machine is. */
const talkative = ["getUserAgentMiddleware", "recursionDetectionMiddleware"] as const;

interface Stack {
  remove(name: string): boolean;
}

export function hush(stack: Stack): void {
  for (const step of talkative) stack.remove(step);
}

/** For clients that the SDK itself makes. */
export const hushed = { applyToStack: hush };

/**
 * Runs a call of the SDK. Rejects with the signal's own reason when it aborted, with what `refusal` makes of a status,
 * and with Failure otherwise.
 */
export async function called<T>(
  work: () => Promise<T>,
  refusal: (refused: Refused) => Failure,
  signal: AbortSignal,
): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    if (thrown instanceof Failure) throw thrown;
    if (thrown instanceof Refused) throw refusal(thrown);
    // Its parsers quote the answer in what they throw.
    throw answerInvalid("something that the SDK cannot read");
  }
}

export function answerInvalid(what: string): Failure {
  return new Failure("answer_invalid", `aws answered with ${what}; check that the address is AWS's own`);
}

/** Whether a text can be a part of a credential. */
export function isWord(text: string | undefined): boolean {
  return text !== undefined && /^[\x21-\x7e]+$/.test(text);
}

/** The two calls of the provider contract, over a Mount. Knows gRPC's words, and nothing of stores or disks. */
import { status, type handleUnaryCall, type ServiceError } from "@grpc/grpc-js";
import type { MountRequest, MountResponse, VersionRequest, VersionResponse } from "../../proto/provider.ts";
import { Failure, toFailure } from "../core/failure.ts";
import type { Mount, MountAnswer } from "../mount/mount.ts";
import { contractVersion, runtimeName } from "./occupant.ts";

/** The message becomes an HTTP/2 header and a pod event; both cut or refuse longer ones. */
const longestMessageBytes = 1024;

export interface ProviderCalls {
  readonly Version: handleUnaryCall<VersionRequest, VersionResponse>;
  readonly Mount: handleUnaryCall<MountRequest, MountResponse>;
}

/** `version` is keyferry's own. A call that its client gives up aborts the mount behind it. */
export function providerCalls(mount: Mount, version: string): ProviderCalls {
  return {
    Version: (_call, answer) =>
      answer(null, { version: contractVersion, runtime_name: runtimeName, runtime_version: version }),
    Mount: (call, answer) => {
      const gone = new AbortController();
      let answered = false;
      // grpc-js says "cancelled" at the end of every call.
      call.on("cancelled", () => {
        if (!answered) gone.abort(new Failure("internal", "the driver gave up the call"));
      });
      const { attributes, secrets, permission } = call.request;
      void mount
        .mount({ attributes, secrets, permission }, gone.signal)
        .then(toResponse)
        .then(
          (response) => answer(null, response),
          (thrown: unknown) => answer(toStatus(thrown)),
        )
        .finally(() => (answered = true));
    },
  };
}

function toResponse(answer: MountAnswer): MountResponse {
  return {
    object_version: answer.objectVersions,
    files: answer.files.map(({ path, mode, contents }) => ({ path, mode, contents: contents.reveal() })),
  };
}

/** Only codes that neither the driver retries nor kubelet takes for "still running"; an unknown error keeps no text. */
function toStatus(thrown: unknown): Pick<ServiceError, "code" | "details"> {
  const failure = toFailure(thrown);
  return {
    code: status[failure.handling.grpc],
    details: cutToBytes(`[${failure.code}] ${failure.message}`, longestMessageBytes),
  };
}

/** At most `limit` bytes of UTF-8, ending in `…` when cut. Half a character, at which grpc-js throws, becomes U+FFFD. */
function cutToBytes(text: string, limit: number): string {
  const whole = Buffer.from(text);
  if (whole.length <= limit) return whole.toString();
  const mark = "…";
  let end = limit - Buffer.byteLength(mark);
  while ((whole[end]! & 0xc0) === 0x80) end--;
  return whole.toString("utf8", 0, end) + mark;
}

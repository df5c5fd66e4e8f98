/** One ExternalSecret as the Secret that sync would make where there is none yet. */
import { compareUtf8 } from "../core/canonical-json.ts";
import type { Clock } from "../core/clock.ts";
import { Failure, ReadFailure } from "../core/failure.ts";
import { SecretValue } from "../core/secret-value.ts";
import type { ExternalSecret, SecretTemplate } from "../manifests/objects.ts";
import { optionalKeysOf, requestOf } from "../read/request-of.ts";
import type { Reader } from "../read/request.ts";
import { parseOptions } from "../sync/annotations.ts";
import { creationRefusal, writeRefusal } from "../sync/refusals.ts";
import { dataHashAnnotation } from "../sync/secret-shape.ts";
import type { SecretObject } from "../sync/ports.ts";
import type { Seen, Want } from "../sync/situation.ts";
import { wantedSecret } from "../sync/wanted-secret.ts";

export interface RenderedSecret {
  readonly secret: SecretObject;
  readonly finalizers: readonly string[];
  readonly template: SecretTemplate | undefined;
}

const readLimitMs = 30_000;
const nothingThere: Seen = {
  secret: undefined,
  last: undefined,
  rivals: [],
  otherOwner: undefined,
  otherOwnerClaims: false,
  namespaceEnding: false,
  orphans: [],
  deletion: { held: false, left: Infinity },
  fresh: true,
};

/** Rejects with Failure: of the read, or because a Secret like this cannot be written. */
export async function renderedSecret(
  externalSecret: ExternalSecret,
  reader: Reader,
  clock: Clock,
): Promise<RenderedSecret> {
  const { meta, spec } = externalSecret;
  const options = parseOptions(externalSecret, clock.nowMs());
  if (!options.ok) {
    const [first, ...rest] = options.problems.map(
      ({ path, problem }) => new Failure("manifest_invalid", problem, { field: path }),
    );
    throw new ReadFailure([first!, ...rest]);
  }
  const { namespace, name, uid } = meta;
  const bundle = await reader.read(
    requestOf(spec, optionalKeysOf(meta)),
    {
      caller: { kind: "ExternalSecret", namespace, name, uid },
      delivery: "sync",
      identity: "Store",
      priority: "first_sync",
      acceptBegunFromMs: -Infinity,
      maxStaleMs: 0,
      limitMs: readLimitMs,
      once: true,
    },
    new AbortController().signal,
  );
  const values = new Map([...bundle.values].map(([key, { value }]) => [key, value]));
  const { missing, metadata } = bundle;
  const want: Want = { externalSecret, options: options.value, values, missing, ...(metadata && { metadata }) };
  const write = wantedSecret(want, nothingThere);
  const refused = writeRefusal(write, undefined) ?? creationRefusal(nothingThere, write, want);
  if (refused) throw refused;
  return { secret: write.secret, finalizers: write.finalizers ?? [], template: spec.target.template };
}

const hiddenText = "[hidden]";

/** Without a value, and without whatever a value can have shaped: its hash, and labels and annotations made of it. */
export function hidden(rendered: RenderedSecret): RenderedSecret {
  const { secret, template } = rendered;
  const plain = (texts: Readonly<Record<string, string>>, own: Readonly<Record<string, string>> | undefined) =>
    Object.fromEntries(
      Object.entries(texts).map(([name, text]) => {
        const isKnown = !template || text === own?.[name] || name.startsWith("reconcile.external-secrets.io/");
        return [name, isKnown && name !== dataHashAnnotation ? text : hiddenText];
      }),
    );
  const data = new Map([...secret.data.keys()].map((key) => [key, SecretValue.fromText(hiddenText)]));
  const labels = plain(secret.labels, template?.labels);
  const annotations = plain(secret.annotations, template?.annotations);
  return { ...rendered, secret: { ...secret, labels, annotations, data } };
}

/** A v1 Secret as the API has it: `data` in base64, everything in the order of its names. */
export function secretDocument({ secret, finalizers }: RenderedSecret) {
  const { namespace, name, labels, annotations, type, immutable, data } = secret;
  const encoded = [...data].map(([key, value]) => [key, value.reveal().toString("base64")] as const);
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name,
      namespace,
      labels: sorted(Object.entries(labels)),
      annotations: sorted(Object.entries(annotations)),
      ...(finalizers.length > 0 && { finalizers }),
    },
    type,
    ...(immutable && { immutable }),
    data: sorted(encoded),
  };
}

function sorted(members: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries([...members].sort(([a], [b]) => compareUtf8(a, b)));
}

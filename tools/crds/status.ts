/**
 * What the definitions of the custom resources say about `status`.
 *
 * Nothing but types: under these definitions other programs may have written the status before, and what they wrote
 * must stay readable. Who reads a status of our own checks it for itself.
 */
import * as v from "valibot";
import { forApi } from "../../plugin/manifests/api-schema.ts";
import { described, fields } from "../../plugin/manifests/fields.ts";

const text = v.string();
const texts = v.optional(v.array(text));
const instant = v.pipe(v.string(), forApi({ format: "date-time" }));

const conditions = described(
  "What is the case, one entry for each type.",
  v.optional(
    v.array(
      fields({
        type: described("Ready, or Paused.", text),
        status: described("True, False or Unknown.", text),
        reason: described("One word for programs.", v.optional(text)),
        message: described(
          "A sentence for people, with a stable code in brackets when something is wrong.",
          v.optional(text),
        ),
        lastTransitionTime: described("When status last changed.", v.optional(instant)),
      }),
    ),
  ),
);

const ownSchema = fields({
  policy: described("creationPolicy under which it was written.", v.optional(text)),
  type: described("Type of the Secret.", v.optional(text)),
  immutable: described("Whether it was written as immutable.", v.optional(v.boolean())),
  keys: described("Names of the data keys that were written.", texts),
  labels: described("Names of the labels that were written.", texts),
  annotations: described("Names of the annotations that were written.", texts),
});

const keyferrySchema = fields({
  digest: described(
    "Keyed digest of the Secret last written: whoever lacks the key cannot forge it.",
    v.optional(text),
  ),
  dataDigest: described("The same of its values alone.", v.optional(text)),
  own: described("What of the Secret this object wrote: names, never values.", v.optional(ownSchema)),
  storeKind: described("Kind of the store that the first value came from.", v.optional(text)),
});

export const externalSecretStatus = fields({
  refreshTime: described("When the last successful sync began.", v.optional(v.nullable(instant))),
  syncedResourceVersion: described("State of this object that was last synced.", v.optional(text)),
  binding: described(
    "The Secret, as service bindings look for it.",
    v.optional(
      v.pipe(
        fields({ name: described("Name of the Secret.", v.optional(text)) }),
        forApi({ "x-kubernetes-map-type": "atomic" }),
      ),
    ),
  ),
  conditions,
  keyferry: described("What keyferry remembers of the Secret.", v.optional(keyferrySchema)),
});

export const storeStatus = fields({
  capabilities: described("ReadOnly, WriteOnly or ReadWrite.", v.optional(text)),
  conditions,
});

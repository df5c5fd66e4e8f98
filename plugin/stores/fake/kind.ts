/**
 * Kind `fake`: values written in the store manifest itself, as in ESO. For trying out, examples and tests.
 *
 * No network, no login. A key and a version are looked up exactly as they are written; of two entries with one key and
 * version the later counts. Found are the keys that have a value without version.
 */
import { createHash } from "node:crypto";
import * as v from "valibot";
import { canonicalJson } from "../../core/canonical-json.ts";
import { Failure } from "../../core/failure.ts";
import { SecretValue } from "../../core/secret-value.ts";
import { parsedOr } from "../../manifests/object-meta.ts";
import type { Problem } from "../../manifests/objects.ts";
import type { Address, FindAbility, Located, Ref, Session, Store, StoreAnswer, StoreKind } from "../contract.ts";
import { block, optionalText, parseBlock, text } from "../provider-block.ts";

const entryBlock = block({ key: text, value: text, version: optionalText });

const fakeBlock = block({
  data: v.array(entryBlock, "must be a list of {key, value}"),
  validationResult: v.optional(v.picklist([0, 1, 2], "must be 0 (ready), 1 (unknown) or 2 (error)")),
});

type Entry = v.InferOutput<typeof entryBlock>;

export const fake: StoreKind = {
  name: "fake",
  metricLabel: "Fake",
  propertySyntax: "gjson",
  unusedCallerFacts: ["namespace", "storeName", "storeKind"],
  open(raw) {
    const parsed = parseBlock(fakeBlock, raw);
    if (!parsed.ok) return parsed;
    const { data, validationResult } = parsed.value;
    return parsedOr(askedToFail(validationResult), () => ({
      store: fakeStore(data),
      // The values decide what is read, so they are in every cache key; as a digest, since keys hold no value.
      config: { data: createHash("sha256").update(canonicalJson(data)).digest("hex") },
    }));
  },
};

/** A store that is meant to fail its validation is never Ready, which is what a broken configuration looks like too. */
function askedToFail(validationResult: number | undefined): readonly Problem[] {
  if (validationResult !== 2) return [];
  return [{ path: "validationResult", problem: "is 2, so this store fails its validation; set 0 or leave it out" }];
}

function fakeStore(entries: readonly Entry[]): Store {
  const values = new Map<string, Map<string, SecretValue>>();
  for (const { key, version = "", value } of entries) {
    const versions = values.get(key) ?? new Map<string, SecretValue>();
    values.set(key, versions.set(version, SecretValue.fromText(value)));
  }
  return {
    proofNeed: { kind: "none" },
    loginRealm: "fake",
    locate,
    login: () => Promise.resolve<Session>({}),
    fetch: (located, _session, signal) =>
      new Promise((resolve) => {
        signal.throwIfAborted();
        resolve(answerOf(values, located));
      }),
    find: findIn([...values].flatMap(([key, versions]) => (versions.has("") ? [key] : []))),
  };
}

function findIn(keys: readonly string[]): FindAbility<Session> {
  return {
    by: ["name"],
    locate: () => ({ address: "*" as Address, method: "GET", arguments: "", version: "" }),
    list: ({ name }, _session, signal) =>
      new Promise((resolve) => {
        signal.throwIfAborted();
        resolve(keys.filter((key) => name?.matches(key) ?? true).map((key) => ({ name: key, key })));
      }),
  };
}

function answerOf(values: ReadonlyMap<string, ReadonlyMap<string, SecretValue>>, located: Located): StoreAnswer {
  const { address, version } = located;
  const versions = values.get(address);
  const value = versions?.get(version);
  if (value) return { value, version };
  if (versions && version !== "")
    throw new Failure("version_not_found", `key "${address}" has no version "${version}" in the fake store`);
  throw new Failure("ref_not_found", `the fake store has no key "${address}"${versions ? " without version" : ""}`);
}

function locate(ref: Ref): Located {
  if (ref.key === "") throw new Failure("ref_invalid", "the key is empty; name a key of spec.provider.fake.data");
  if (ref.metadataPolicy === "Fetch")
    throw new Failure("ref_invalid", "a fake store has no metadata; remove metadataPolicy: Fetch");
  return { address: ref.key as Address, method: "GET", arguments: "", version: ref.version ?? "" };
}

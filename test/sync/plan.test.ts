import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure, type FailureCode } from "../../plugin/core/failure.ts";
import { parseOptions } from "../../plugin/sync/annotations.ts";
import { describe } from "../../plugin/sync/drift.ts";
import { planRepair, planSync, type SyncPlan } from "../../plugin/sync/plan.ts";
import {
  createdBy,
  createdByLabel,
  dataHash,
  dataHashAnnotation,
  managedLabel,
} from "../../plugin/sync/secret-shape.ts";
import type { ExistingSecret, OwnParts } from "../../plugin/sync/ports.ts";
import type { Seen, Want } from "../../plugin/sync/situation.ts";
import { wantedSecret } from "../../plugin/sync/wanted-secret.ts";
import { dataOf } from "../fakes/sync-world.ts";
import { externalSecret, type Wish } from "./house.ts";

const wanted = { PASSWORD: "one", USER: "app" };

function want(wish: Wish = {}, values: Readonly<Record<string, string>> = wanted, missing: Want["missing"] = []): Want {
  const object = externalSecret({ ...wish, data: { PASSWORD: "db#password", USER: "db#user" } });
  const options = parseOptions(object, 0);
  assert.ok(options.ok);
  return { externalSecret: object, options: options.value, values: dataOf(values), missing };
}

const nothing: Seen = {
  secret: undefined,
  last: undefined,
  rivals: [],
  otherOwner: undefined,
  otherOwnerClaims: false,
  namespaceEnding: false,
  orphans: [],
  deletion: { held: false, left: 1 },
  fresh: true,
};

/** A Secret that nobody of ours made. */
function foreign(values: Readonly<Record<string, string>>, change: Partial<ExistingSecret> = {}): ExistingSecret {
  return {
    namespace: "shop",
    name: "db",
    type: "Opaque",
    immutable: false,
    labels: {},
    annotations: {},
    data: dataOf(values),
    resourceVersion: "1",
    lastWriter: "mallory",
    ...change,
  };
}

/** The world after `wish` was synced; then somebody changed the Secret. */
function synced(
  wish: Wish = {},
  change: Partial<ExistingSecret> = {},
  values: Readonly<Record<string, string>> = wanted,
): Seen {
  const { secret, owner, own } = wantedSecret(want(wish, values), nothing);
  const written: ExistingSecret = {
    ...secret,
    resourceVersion: "1",
    lastWriter: "keyferry",
    ...(owner && { owner: "shop/db" }),
  };
  const isEdited = Object.keys(change).some((part) => part !== "resourceVersion");
  return {
    ...nothing,
    secret: { ...written, ...change },
    last: { own, intact: !isEdited, valuesIntact: change.data === undefined, values: dataOf(values) },
  };
}

const owner: Wish = {};
const orphan: Wish = { target: { creationPolicy: "Orphan" } };
const merge: Wish = { target: { creationPolicy: "Merge" } };
const createOrMerge: Wish = { target: { creationPolicy: "CreateOrMerge" } };
const none: Wish = { target: { creationPolicy: "None" } };
const adopt = (how: string): Wish => ({ meta: { annotations: { "keyferry.dev/adopt": how } } });
const data = (values: Readonly<Record<string, string>>): Partial<ExistingSecret> => ({ data: dataOf(values) });

/** What a plan would leave in the Secret. */
function textOf(plan: SyncPlan): Readonly<Record<string, string>> | undefined {
  if (!("write" in plan) || !plan.write) return undefined;
  return Object.fromEntries([...plan.write.secret.data].map(([key, value]) => [key, value.reveal().toString()]));
}

const situations: readonly {
  name: string;
  seen: Seen;
  want: Want;
  step: SyncPlan["step"];
  leaves?: Readonly<Record<string, string>>;
  why?: string;
}[] = [
  { name: "Owner creates the Secret", seen: nothing, want: want(owner), step: "create", leaves: wanted },
  { name: "Orphan creates the Secret", seen: nothing, want: want(orphan), step: "create", leaves: wanted },
  {
    name: "CreateOrMerge creates the Secret",
    seen: nothing,
    want: want(createOrMerge),
    step: "create",
    leaves: wanted,
  },
  { name: "Merge waits for somebody else to create it", seen: nothing, want: want(merge), step: "keep", why: "waits" },
  { name: "None never writes", seen: nothing, want: want(none), step: "keep", why: "none" },
  {
    name: "None leaves an existing Secret alone",
    seen: { ...nothing, secret: foreign({ X: "1" }) },
    want: want(none),
    step: "keep",
    why: "none",
  },
  ...[owner, orphan, merge, createOrMerge].map((wish) => ({
    name: `${wish.target?.creationPolicy ?? "Owner"} keeps a Secret that is as it should be`,
    seen: synced(wish),
    want: want(wish),
    step: "keep" as const,
    why: "same",
  })),
  ...[owner, orphan, merge, createOrMerge].map((wish) => ({
    name: `${wish.target?.creationPolicy ?? "Owner"} writes new values`,
    seen: synced(wish, {}, { PASSWORD: "zero", USER: "app" }),
    want: want(wish),
    step: "update" as const,
    leaves: wanted,
  })),
  {
    name: "Owner takes over a Secret that nobody owns and drops its other keys",
    seen: { ...nothing, secret: foreign({ X: "1", USER: "old" }) },
    want: want(owner),
    step: "update",
    leaves: wanted,
  },
  {
    name: "Orphan replaces a Secret that is there",
    seen: { ...nothing, secret: foreign({ X: "1" }) },
    want: want(orphan),
    step: "update",
    leaves: wanted,
  },
  {
    name: "Merge fills a Secret that is there",
    seen: { ...nothing, secret: foreign({ X: "1" }) },
    want: want(merge),
    step: "update",
    leaves: { X: "1", ...wanted },
  },
  {
    name: "CreateOrMerge fills a Secret that is there",
    seen: { ...nothing, secret: foreign({ X: "1" }) },
    want: want(createOrMerge),
    step: "update",
    leaves: { X: "1", ...wanted },
  },
  {
    name: "adopt: Merge keeps the keys of the Secret that is taken over",
    seen: { ...nothing, secret: foreign({ X: "1" }) },
    want: want(adopt("Merge")),
    step: "update",
    leaves: { X: "1", ...wanted },
  },
  {
    name: "adopt: Merge keeps them at the next sync too",
    seen: synced(adopt("Merge"), data({ X: "1", PASSWORD: "zero", USER: "app" }), { PASSWORD: "zero", USER: "app" }),
    want: want(adopt("Merge")),
    step: "update",
    leaves: { X: "1", ...wanted },
  },
  {
    name: "Merge takes back keys that it set before and no longer produces",
    seen: synced(merge, data({ X: "1", OLD: "1", ...wanted }), { OLD: "1", ...wanted }),
    want: want(merge),
    step: "update",
    leaves: { X: "1", ...wanted },
  },
  {
    name: "Owner keeps keys that another ExternalSecret merges into its Secret",
    seen: { ...synced(owner, data({ X: "1", ...wanted })), rivals: [{ name: "filler", own: ownOf("Merge", ["X"]) }] },
    want: want(owner),
    step: "restore",
    leaves: { X: "1", ...wanted },
  },
  {
    name: "drift of an Orphan is left",
    seen: { ...synced(orphan, data({ PASSWORD: "evil" })), fresh: false },
    want: want(orphan),
    step: "keep",
    why: "left",
  },
  {
    name: "a deleted Orphan is left",
    seen: { ...synced(orphan), secret: undefined, fresh: false },
    want: want(orphan),
    step: "keep",
    why: "left",
  },
  {
    name: "the next refresh of an Orphan overwrites its drift",
    seen: synced(orphan, data({ PASSWORD: "evil" })),
    want: want(orphan),
    step: "restore",
    leaves: wanted,
  },
  {
    name: "drift of an Orphan is repaired on request",
    seen: { ...synced(orphan, data({ PASSWORD: "evil" })), fresh: false },
    want: want({ ...orphan, meta: { annotations: { "keyferry.dev/repair": "true" } } }),
    step: "restore",
    leaves: wanted,
  },
  {
    name: "a deleted Secret comes back",
    seen: { ...synced(owner), secret: undefined },
    want: want(owner),
    step: "create",
    leaves: wanted,
  },
  {
    name: "a changed type is undone by making the Secret anew",
    seen: synced(owner, { type: "kubernetes.io/tls" }),
    want: want(owner),
    step: "recreate",
    leaves: wanted,
  },
  {
    name: "but not where the Secret is not our own",
    seen: synced(createOrMerge, { type: "kubernetes.io/tls" }),
    want: want(createOrMerge),
    step: "keep",
    why: "same",
  },
  {
    name: "the type of a Secret that is taken over stays",
    seen: { ...nothing, secret: foreign(wanted, { type: "kubernetes.io/basic-auth" }) },
    want: want(owner),
    step: "update",
  },
  {
    name: "an immutable Secret that somebody put there does not stay",
    seen: synced(owner, { immutable: true, ...data({ PASSWORD: "evil", USER: "app" }) }),
    want: want(owner),
    step: "recreate",
    leaves: wanted,
  },
  {
    name: "the metadata of an immutable Secret is still ours to repair",
    seen: synced({ target: { immutable: true } }, { labels: {} }),
    want: want({ target: { immutable: true } }),
    step: "restore",
  },
  {
    name: "immutable is set on an existing Secret",
    seen: synced(owner),
    want: want({ target: { immutable: true } }),
    step: "update",
  },
  {
    name: "and never unset",
    seen: synced({ target: { immutable: true } }),
    want: want(owner),
    step: "keep",
    why: "same",
  },
  {
    name: "Owner turned Orphan gives the Secret up",
    seen: synced(owner),
    want: want(orphan),
    step: "update",
    leaves: wanted,
  },
  {
    name: "a Secret under the earlier target name goes",
    seen: { ...synced(owner), orphans: [foreign(wanted, { name: "old", owner: "shop/db" })] },
    want: want(owner),
    step: "remove",
  },
  {
    name: "but not one that has found another owner",
    seen: {
      ...synced(owner),
      orphans: [
        foreign(wanted, {
          name: "old",
          owner: "shop/other",
          labels: { [createdByLabel]: createdBy({ namespace: "shop", name: "db" }) },
        }),
      ],
    },
    want: want(owner),
    step: "keep",
    why: "same",
  },
  {
    name: "and not before the new one stands",
    seen: { ...nothing, orphans: [foreign(wanted, { name: "old", owner: "shop/db" })] },
    want: want(owner),
    step: "create",
  },
];
for (const { name, seen, want: wish, step, leaves, why } of situations)
  test(name, () => {
    const plan = planSync(seen, wish);
    assert.equal(plan.step, step);
    if (leaves) assert.deepEqual(textOf(plan), leaves);
    if (plan.step === "keep") assert.equal(plan.why, why);
  });

const drifts: readonly { name: string; seen: Seen; want?: Want; says: string }[] = [
  {
    name: "an edited value",
    seen: synced(owner, data({ PASSWORD: "evil", USER: "app" })),
    says: "key PASSWORD changed",
  },
  {
    name: "a value edited together with its hash",
    seen: forged({ PASSWORD: "evil", USER: "app" }),
    says: "key PASSWORD changed, data hash forged",
  },
  { name: "a forged hash alone", seen: keepIntact(forged(wanted, "forged")), says: "data hash forged" },
  { name: "a removed key", seen: synced(owner, data({ USER: "app" })), says: "key PASSWORD missing" },
  { name: "a planted key", seen: keepIntact(synced(owner, data({ ...wanted, X: "1" }))), says: "key X added" },
  {
    name: "a removed mark",
    seen: synced(owner, { labels: { [createdByLabel]: createdBy({ namespace: "shop", name: "db" }) } }),
    says: `label ${managedLabel} missing`,
  },
  {
    name: "a changed label",
    seen: synced({ meta: { labels: { team: "a" } } }, editLabel("b")),
    want: want({ meta: { labels: { team: "a" } } }),
    says: "label team changed",
  },
  { name: "a removed annotation", seen: synced(owner, { annotations: {} }), says: "data hash forged" },
  { name: "a lost owner", seen: keepIntact(disowned()), says: "owner changed" },
  { name: "another type", seen: synced(owner, { type: "kubernetes.io/tls" }), says: "type changed" },
  {
    name: "an edit of one key beside news of another",
    seen: synced(owner, data({ PASSWORD: "zero", USER: "evil" }), { PASSWORD: "zero", USER: "app" }),
    says: "key USER changed",
  },
  { name: "news alone", seen: synced(owner, {}, { PASSWORD: "zero", USER: "app" }), says: "" },
  {
    name: "a foreign key in a merged Secret",
    seen: keepIntact(synced(merge, data({ ...wanted, X: "1" }))),
    want: want(merge),
    says: "",
  },
];
for (const { name, seen, want: wish = want(owner), says } of drifts)
  test(`${name} is ${says === "" ? "no drift" : `drift: ${says}`}`, () => {
    const plan = planSync(seen, wish);
    const drift = "drift" in plan ? plan.drift : [];
    const told = describe(drift.filter((one) => says.includes("hash") || one.part !== "data_hash"));
    assert.equal(told, says);
    if (plan.step !== "keep")
      assert.equal(plan.step, says === "" ? "update" : plan.step === "recreate" ? "recreate" : "restore");
  });

const refusals: readonly { name: string; seen: Seen; want?: Want; code: FailureCode }[] = [
  {
    name: "a Secret of another ExternalSecret",
    seen: { ...nothing, secret: foreign({}, { owner: "shop/other" }) },
    code: "target_conflict",
  },
  {
    name: "a Secret of another controller",
    seen: { ...nothing, secret: foreign({}, { foreignController: "SealedSecret/db" }) },
    code: "target_conflict",
  },
  {
    name: "a Secret that another Orphan holds",
    seen: { ...nothing, secret: foreign({}), rivals: [{ name: "a", own: ownOf("Orphan", []) }] },
    want: want(orphan),
    code: "target_conflict",
  },
  {
    name: "a key that another ExternalSecret merges",
    seen: { ...nothing, secret: foreign({}), rivals: [{ name: "z", own: ownOf("Merge", ["USER"]) }] },
    want: want(merge),
    code: "target_conflict",
  },
  {
    name: "a service account token",
    seen: { ...nothing, secret: foreign({}, { type: "kubernetes.io/service-account-token" }) },
    code: "target_refused",
  },
  {
    name: "a service account token, to be merged into",
    seen: { ...nothing, secret: foreign({}, { type: "kubernetes.io/service-account-token" }) },
    want: want(merge),
    code: "target_refused",
  },
  {
    name: "a bootstrap token",
    seen: { ...nothing, secret: foreign({}, { type: "bootstrap.kubernetes.io/token" }) },
    code: "target_refused",
  },
  {
    name: "a Secret of nobody where adopt is Refuse",
    seen: { ...nothing, secret: foreign({}) },
    want: want(adopt("Refuse")),
    code: "target_refused",
  },
  {
    name: "new values for an immutable Secret of ours",
    seen: synced({ target: { immutable: true } }, {}, { PASSWORD: "zero" }),
    want: want({ target: { immutable: true } }),
    code: "target_immutable",
  },
  {
    name: "more than 1 MiB",
    seen: nothing,
    want: want(owner, { BIG: "x".repeat(1024 * 1024 + 1) }),
    code: "target_too_large",
  },
  {
    name: "more than 1 MiB together with foreign keys",
    seen: { ...nothing, secret: foreign({ X: "x".repeat(1024 * 1024) }) },
    want: want(merge),
    code: "target_too_large",
  },
  { name: "a key that no Secret can have", seen: nothing, want: want(owner, { naïve: "x" }), code: "answer_invalid" },
  {
    name: "a key that is too long",
    seen: nothing,
    want: want(owner, { ["k".repeat(254)]: "x" }),
    code: "answer_invalid",
  },
];
for (const { name, seen, want: wish = want(owner), code } of refusals)
  test(`refused: ${name}`, () => {
    const plan = planSync(seen, wish);
    assert.equal(plan.step, "refuse");
    assert.equal(plan.failure.code, code);
    assert.match(plan.failure.message, /;/, "the message names a way out");
  });

const allowed: readonly { name: string; seen: Seen; want?: Want }[] = [
  { name: "exactly 1 MiB", seen: nothing, want: want(owner, { BIG: "x".repeat(1024 * 1024) }) },
  {
    name: "merging into a Secret that another controller owns",
    seen: { ...nothing, secret: foreign({}, { foreignController: "SealedSecret/db" }) },
    want: want(merge),
  },
  {
    name: "merging other keys into the Secret of an ExternalSecret",
    seen: {
      ...nothing,
      secret: foreign({ X: "1" }, { owner: "shop/other" }),
      rivals: [{ name: "other", own: ownOf("Owner", ["X"]) }],
    },
    want: want(merge),
  },
  {
    name: "adopt: Refuse on a Secret that an ExternalSecret has marked",
    seen: { ...nothing, secret: foreign({}, { labels: { [managedLabel]: "true" } }) },
    want: want(adopt("Refuse")),
  },
  {
    name: "adopt: Refuse when somebody took the mark off our own Secret",
    seen: synced(adopt("Refuse"), { labels: {} }),
    want: want(adopt("Refuse")),
  },
  {
    name: "a key that both hold, for the first by name",
    seen: { ...synced(merge, data({ USER: "x" })), rivals: [{ name: "z", own: ownOf("Merge", ["USER"]) }] },
    want: want(merge),
  },
];
for (const { name, seen, want: wish = want(owner) } of allowed)
  test(`allowed: ${name}`, () => assert.notEqual(planSync(seen, wish).step, "refuse"));

const gone = [{ field: "spec.data[0]", key: "db" }];
const deletePolicy: Wish = { target: { deletionPolicy: "Delete" } };
const mergePolicy: Wish = { target: { deletionPolicy: "Merge" } };
const spent = { deletion: { held: false, left: 0 } };
const confirmed = { annotations: { "keyferry.dev/allow-mass-delete": "true" } };

const deletions: readonly {
  name: string;
  seen: Seen;
  want: Want;
  step: SyncPlan["step"];
  why?: string;
  code?: FailureCode;
}[] = [
  {
    name: "Retain keeps the Secret when there is no data",
    seen: synced(owner),
    want: want(owner, {}),
    step: "keep",
    why: "retained",
  },
  { name: "Delete deletes it", seen: synced(deletePolicy), want: want(deletePolicy, {}, gone), step: "remove" },
  {
    name: "Delete has nothing to do when it is gone",
    seen: nothing,
    want: want(deletePolicy, {}, gone),
    step: "keep",
    why: "deleted",
  },
  {
    name: "Delete does not delete what is not ours",
    seen: { ...nothing, secret: foreign(wanted) },
    want: want(deletePolicy, {}, gone),
    step: "refuse",
    code: "target_conflict",
  },
  {
    name: "Delete does not delete for another policy than Owner",
    seen: synced(orphan),
    want: want({ target: { creationPolicy: "Orphan", deletionPolicy: "Delete" } }, {}, gone),
    step: "refuse",
    code: "target_refused",
  },
  {
    name: "Merge takes its keys out and keeps the Secret",
    seen: synced(mergePolicy),
    want: want(mergePolicy, {}, gone),
    step: "update",
  },
  {
    name: "the guard holds a deletion back",
    seen: { ...synced(deletePolicy), ...spent },
    want: want(deletePolicy, {}, gone),
    step: "refuse",
    code: "deletion_held",
  },
  {
    name: "the guard holds back keys too",
    seen: { ...synced(mergePolicy), ...spent },
    want: want(mergePolicy, { USER: "app" }, gone),
    step: "refuse",
    code: "deletion_held",
  },
  {
    name: "a confirmation lets it through",
    seen: { ...synced(deletePolicy), ...spent },
    want: want({ ...deletePolicy, meta: confirmed }, {}, gone),
    step: "remove",
  },
  {
    name: "what was held stays held when the interval ends",
    seen: { ...synced(deletePolicy), deletion: { held: true, left: 5 } },
    want: want(deletePolicy, {}, gone),
    step: "refuse",
    code: "deletion_held",
  },
  {
    name: "and goes on as soon as the data is back",
    seen: { ...synced(deletePolicy, {}, { PASSWORD: "zero", USER: "app" }), deletion: { held: true, left: 0 } },
    want: want(deletePolicy),
    step: "update",
  },
  {
    name: "an entry taken out of the manifest is no loss",
    seen: { ...synced(deletePolicy), ...spent },
    want: want(deletePolicy, { USER: "app" }),
    step: "update",
  },
];
for (const { name, seen, want: wish, step, why, code } of deletions)
  test(name, () => {
    const plan = planSync(seen, wish);
    assert.equal(plan.step, step);
    if (plan.step === "keep") assert.equal(plan.why, why);
    if (plan.step === "refuse") assert.equal(plan.failure.code, code);
    if (plan.step === "remove" || (plan.step === "update" && wish.missing.length > 0)) assert.equal(plan.loses, true);
  });

test("Owner writes owner, marks and hash; Orphan no mark of an owner", () => {
  const plan = planSync(
    nothing,
    want({ meta: { labels: { team: "a" }, annotations: { note: "b", "keyferry.dev/adopt": "Replace" } } }),
  );
  assert.equal(plan.step, "create");
  const { secret, owner: controller, own } = plan.write;
  assert.equal(controller?.name, "db");
  assert.deepEqual(secret.labels, {
    team: "a",
    [managedLabel]: "true",
    [createdByLabel]: createdBy({ namespace: "shop", name: "db" }),
  });
  assert.deepEqual(secret.annotations, { note: "b", [dataHashAnnotation]: dataHash(dataOf(wanted)) });
  assert.equal(secret.type, "Opaque");
  assert.deepEqual(own.keys, ["PASSWORD", "USER"]);
  const given = planSync(synced(owner), want(orphan));
  assert.equal(given.step, "update");
  assert.equal(given.write.secret.labels[createdByLabel], undefined);
  assert.equal(given.write.owner, undefined);
});

test("labels that the ExternalSecret no longer has go, those of others stay", () => {
  const seen = synced(
    { meta: { labels: { old: "1" } } },
    { labels: { old: "1", theirs: "2", [managedLabel]: "true" } },
  );
  const plan = planSync(seen, want(owner));
  assert.ok("write" in plan && plan.write);
  assert.deepEqual(Object.keys(plan.write.secret.labels).sort(), [createdByLabel, managedLabel, "theirs"].sort());
});

const repairs: readonly { name: string; seen: Seen; refusal?: FailureCode; step: SyncPlan["step"] | undefined }[] = [
  {
    name: "an edit is undone while nothing can be read",
    seen: synced(owner, data({ PASSWORD: "evil" })),
    refusal: "store_unreachable",
    step: "restore",
  },
  {
    name: "a deletion too",
    seen: { ...synced(owner), secret: undefined },
    refusal: "store_unreachable",
    step: "create",
  },
  {
    name: "an edit is undone although the store says no",
    seen: synced(owner, data({ PASSWORD: "evil" })),
    refusal: "store_denied",
    step: "restore",
  },
  {
    name: "a deletion is not undone when the store says no",
    seen: { ...synced(owner), secret: undefined },
    refusal: "store_denied",
    step: undefined,
  },
  {
    name: "a Secret that was never written is not made of old values",
    seen: nothing,
    refusal: "store_unreachable",
    step: undefined,
  },
  { name: "an untouched Secret is not touched", seen: synced(owner), refusal: "store_unreachable", step: undefined },
  {
    name: "older values never replace newer ones",
    seen: synced(owner, {}, { PASSWORD: "two", USER: "app" }),
    refusal: "store_unreachable",
    step: undefined,
  },
];
for (const { name, seen, refusal, step } of repairs)
  test(`repair: ${name}`, () => {
    const plan = planRepair(seen, want(owner), refusal && new Failure(refusal, "x"));
    assert.equal(plan?.step, step);
  });

function ownOf(policy: OwnParts["policy"], keys: readonly string[]): OwnParts {
  return { policy, type: "Opaque", immutable: false, keys, labels: [], annotations: [] };
}

function forged(values: Readonly<Record<string, string>>, hash = dataHash(dataOf(values))): Seen {
  const labels = synced(owner).secret!.labels;
  return synced(owner, { labels, ...data(values), annotations: { [dataHashAnnotation]: hash } });
}

function disowned(): Seen {
  const seen = synced(owner);
  const { owner: _, ...secret } = seen.secret!;
  return { ...seen, secret };
}

/** The digest covers only what is ours, so this edit leaves it whole. */
function keepIntact(seen: Seen): Seen {
  return { ...seen, last: { ...seen.last!, intact: true } };
}

function editLabel(team: string): Partial<ExistingSecret> {
  return { labels: { ...synced(owner).secret!.labels, team } };
}

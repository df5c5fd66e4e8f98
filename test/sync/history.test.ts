/** Random lives: whatever happened, once the faults end every Secret is as wanted and every object is Ready. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Failure, type FailureCode } from "../../plugin/core/failure.ts";
import { parseOptions } from "../../plugin/sync/annotations.ts";
import { planSync } from "../../plugin/sync/plan.ts";
import { dataHashAnnotation, managedLabel } from "../../plugin/sync/secret-shape.ts";
import type { ExistingSecret, OwnParts } from "../../plugin/sync/ports.ts";
import type { Seen, Want } from "../../plugin/sync/situation.ts";
import { dataOf } from "../fakes/sync-world.ts";
import { at, externalSecret, openHouse, type House, type Wish } from "./house.ts";

const minuteMs = 60_000;

type Step =
  | { readonly do: "rotate"; readonly to: string }
  | { readonly do: "tamper" | "plant"; readonly to: string }
  | { readonly do: "deleteSecret" | "unmark" | "forge" | "retype" | "restart" | "touch" | "heal" | "force" }
  | { readonly do: "storeFails"; readonly code: FailureCode }
  | { readonly do: "writesFail"; readonly with: "conflict" | "kube_unavailable" }
  | { readonly do: "wait"; readonly ms: number }
  | { readonly do: "jump"; readonly ms: number };

const word = fc.constantFrom("one", "two", "three");
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant("rotate" as const), to: word }),
  fc.record({ do: fc.constantFrom("tamper" as const, "plant" as const), to: fc.constantFrom("evil", "one") }),
  fc.record({
    do: fc.constantFrom(
      ...(["deleteSecret", "unmark", "forge", "retype", "restart", "touch", "heal", "force"] as const),
    ),
  }),
  fc.record({
    do: fc.constant("storeFails" as const),
    code: fc.constantFrom<FailureCode>("store_unreachable", "store_sealed", "store_denied", "answer_invalid"),
  }),
  fc.record({
    do: fc.constant("writesFail" as const),
    with: fc.constantFrom("conflict" as const, "kube_unavailable" as const),
  }),
  fc.record({ do: fc.constant("wait" as const), ms: fc.constantFrom(10, 1_000, minuteMs, 11 * minuteMs) }),
  fc.record({ do: fc.constant("jump" as const), ms: fc.constantFrom(-1e10, 1e10) }),
);

async function take(house: House, wish: Wish, one: Step): Promise<void> {
  const { world, reader } = house;
  const labels = world.secrets.get("shop/db")?.labels ?? {};
  switch (one.do) {
    case "rotate":
      reader.secrets.set("db", { password: one.to });
      break;
    case "tamper":
      world.tamper(at("db"), { PASSWORD: one.to });
      break;
    case "plant":
      world.tamper(at("db"), { PLANTED: one.to });
      break;
    case "deleteSecret":
      world.deleteSecret(at("db"));
      break;
    case "unmark":
      world.edit(at("db"), { labels: { ...labels, [managedLabel]: "false" } });
      break;
    case "forge":
      world.edit(at("db"), { annotations: { [dataHashAnnotation]: "forged" } });
      break;
    case "retype":
      world.edit(at("db"), { type: "kubernetes.io/tls" });
      break;
    case "restart":
      await house.restart();
      break;
    case "touch":
      world.apply(externalSecret({ ...wish, meta: { labels: { turn: String(world.writes.length) } } }));
      break;
    case "force":
      world.annotate(at("db"), { "keyferry.dev/force-sync": String(world.writes.length) });
      break;
    case "heal":
      heal(house);
      break;
    case "storeFails":
      reader.refusal = one.code;
      break;
    case "writesFail":
      world.beforeWrite = (what) => {
        if (one.with === "conflict") return what.startsWith("status") ? undefined : "conflict";
        return new Failure("kube_unavailable", "the API server is away");
      };
      break;
    case "wait":
      await house.advance(one.ms);
      break;
    case "jump":
      house.clock.jumpWall(one.ms);
      break;
  }
  await house.rest();
}

function heal({ reader, world }: House): void {
  reader.refusal = undefined;
  world.beforeWrite = () => undefined;
}

const lives: readonly { name: string; wish: Wish; drops: boolean }[] = [
  { name: "Owner", wish: {}, drops: true },
  { name: "Orphan", wish: { target: { creationPolicy: "Orphan" } }, drops: true },
  { name: "CreateOrMerge", wish: { target: { creationPolicy: "CreateOrMerge" } }, drops: false },
];
for (const { name, wish, drops } of lives)
  test(`${name}: every history ends in the wanted Secret and Ready`, async () => {
    const short: Wish = { ...wish, spec: { refreshIntervalMs: 10 * minuteMs } };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const house = openHouse();
        house.reader.secrets.set("db", { password: "one" });
        house.world.apply(externalSecret(short));
        house.sync.start();
        await house.rest();
        for (const one of steps) await take(house, short, one);
        heal(house);
        await house.advance(25 * minuteMs);
        const text = house.world.textOf(at("db"));
        assert.equal(text?.PASSWORD, house.reader.secrets.get("db")?.password);
        if (drops) assert.deepEqual(Object.keys(text ?? {}), ["PASSWORD"]);
        assert.equal(house.ready("db"), "True SecretSynced secret synced");
        assert.equal(house.world.secrets.get("shop/db")?.labels[managedLabel], "true");
        await house.sync.stop();
        assert.equal(house.clock.pending, 0);
      }),
      { numRuns: 300 },
    );
  });

const keys = fc.uniqueArray(fc.constantFrom("A", "B", "C", "naïve"), { maxLength: 3 });
const values = keys.chain((names) =>
  fc.record(Object.fromEntries(names.map((name) => [name, fc.constantFrom("", "1", "2")]))),
) as fc.Arbitrary<Record<string, string>>;
const policy = fc.constantFrom<OwnParts["policy"]>("Owner", "Orphan", "Merge", "CreateOrMerge", "None");
const own = fc.option(fc.record({ policy, keys, intact: fc.boolean(), known: fc.boolean() }), { nil: undefined });
const existing = fc.option(
  fc.record({
    data: values,
    type: fc.constantFrom("Opaque", "kubernetes.io/tls", "kubernetes.io/service-account-token"),
    immutable: fc.boolean(),
    owner: fc.constantFrom(undefined, "shop/db", "shop/other"),
    marked: fc.boolean(),
  }),
  { nil: undefined },
);
const situation = fc.record({
  own,
  existing,
  fresh: fc.boolean(),
  left: fc.nat(1),
  wanted: values,
  gone: fc.boolean(),
  target: fc.record({
    creationPolicy: policy,
    deletionPolicy: fc.constantFrom("Retain" as const, "Delete" as const, "Merge" as const),
    immutable: fc.boolean(),
  }),
  adopt: fc.constantFrom("Replace", "Merge", "Refuse"),
});
type Situation = typeof situation extends fc.Arbitrary<infer T> ? T : never;

function seenIn({ own: last, existing: there, fresh, left }: Situation): Seen {
  const secret: ExistingSecret | undefined = there && {
    namespace: "shop",
    name: "db",
    type: there.type,
    immutable: there.immutable,
    labels: there.marked ? { [managedLabel]: "true" } : {},
    annotations: {},
    data: dataOf(there.data),
    resourceVersion: "7",
    lastWriter: "x",
    ...(there.owner !== undefined && { owner: there.owner }),
  };
  const parts = last && {
    policy: last.policy,
    type: "Opaque",
    immutable: false,
    keys: last.keys,
    labels: [],
    annotations: [],
  };
  return {
    secret,
    last: last &&
      parts && {
        own: parts,
        intact: last.intact && secret !== undefined,
        valuesIntact: last.intact && secret !== undefined,
        values: last.known ? new Map() : undefined,
      },
    rivals: [],
    otherOwner: undefined,
    otherOwnerClaims: false,
    namespaceEnding: false,
    orphans: [],
    deletion: { held: false, left },
    fresh,
  };
}

function wantIn({ wanted, gone, target, adopt }: Situation): Want {
  const object = externalSecret({ target, meta: { annotations: { "keyferry.dev/adopt": adopt } } });
  const options = parseOptions(object, 0);
  assert.ok(options.ok);
  const missing = gone ? [{ field: "spec.data[0]", key: "db" }] : [];
  return { externalSecret: object, options: options.value, values: dataOf(wanted), missing };
}

test("a plan either acts or refuses, and once it was carried out there is nothing left to do", () => {
  fc.assert(
    fc.property(situation, (given) => {
      const seen = seenIn(given);
      const want = wantIn(given);
      const plan = planSync(seen, want);
      const acts = "write" in plan && plan.step !== "keep";
      assert.ok(!(acts && "failure" in plan));
      if (!acts) return;
      const { secret, owner, own: parts } = plan.write;
      assert.ok(![...secret.data.keys()].includes("naïve"), "no key that the API refuses is written");
      const { owner: _, ...before } = seen.secret ?? { ...secret, resourceVersion: "", lastWriter: "" };
      const after: ExistingSecret = {
        ...before,
        ...secret,
        resourceVersion: "8",
        ...(owner && { owner: `${owner.namespace}/${owner.name}` }),
      };
      const last = { own: parts, intact: true, valuesIntact: true, values: want.values };
      const again = planSync({ ...seen, secret: after, last }, want);
      assert.equal(again.step, "keep", `${plan.step} is followed by ${again.step}`);
    }),
    { numRuns: 3_000 },
  );
});

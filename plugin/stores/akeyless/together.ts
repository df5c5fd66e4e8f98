/**
 * Reads static items in one call. What is of another kind goes alone, so that credentials are never made for more than
 * one read; and so does what such a call would be refused for.
 */
import { Failure } from "../../core/failure.ts";
import type { BatchAbility, BatchOutcome, Located } from "../contract.ts";
import type { ItemCalls } from "./item-calls.ts";
import { staticKind } from "./items.ts";
import type { Description } from "./items.ts";
import type { AkeylessSession } from "./session.ts";

/** By name. */
type Descriptions = ReadonlyMap<string, Description | Failure>;

/** Akeyless tells no limit; all values together must stay below the limit of any answer. */
const most = 100;
/** Descriptions that are asked for at one time. */
const atOnce = 8;

export function createTogether(calls: ItemCalls): BatchAbility<AkeylessSession> {
  async function describeAll(
    all: readonly Located[],
    session: AkeylessSession,
    signal: AbortSignal,
  ): Promise<Descriptions> {
    const described = new Map<string, Description | Failure>();
    for (let i = 0; i < all.length; i += atOnce) {
      const group = all.slice(i, i + atOnce);
      const told = await Promise.all(group.map((one) => calls.describe(one, session, signal).catch(failureOf)));
      group.forEach(({ address }, at) => described.set(address, told[at]!));
      const refusal = told.find(isFailure);
      // The others would not fare better.
      if (refusal && group.length === atOnce && told.every(saysNothing)) throw refusal;
    }
    return described;
  }

  async function valuesOf(
    statics: readonly Located[],
    described: Descriptions,
    session: AkeylessSession,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, BatchOutcome>> {
    const { items } = session;
    const names = statics.map(({ address }): string => address);
    const { document, request } = await calls.values(names, session, signal);
    const values = new Map(names.map((name) => [name, staticKind.take(document, name)]));
    const changed = statics.filter(({ address }) => {
      const value = values.get(address);
      return value !== undefined && !described.has(address) && !items.isNewest(address, value);
    });
    const anew = new Map([...described, ...(await describeAll(changed, session, signal))]);
    const outcomeOf = (name: string): BatchOutcome => {
      const value = values.get(name);
      const description = anew.get(name) ?? items.of(name);
      if (isFailure(description)) return description;
      if (!value) items.setApart(name);
      if (!value || description?.kind !== staticKind) return "alone";
      if (anew.has(name)) items.learn(name, description, value);
      return { value, version: description.lastVersion, ...request };
    };
    return new Map(names.map((name) => [name, outcomeOf(name)]));
  }

  return {
    most,
    // One version would stand for all names of such a call.
    takes: ({ version }) => version === "",
    async fetch(located, session, signal) {
      const { items } = session;
      const all = [...new Map(located.map((one) => [one.address, one])).values()];
      const unknown = all.filter(({ address }) => !items.of(address) && !items.isApart(address));
      const described = await describeAll(unknown, session, signal);
      const statics = all.filter(({ address }) => items.of(address)?.kind === staticKind);
      const found = statics.length > 1 ? await valuesOf(statics, described, session, signal) : undefined;
      return located.map(({ address }) => {
        const told = described.get(address);
        return isFailure(told) ? told : (found?.get(address) ?? "alone");
      });
    },
  };
}

/** What is no Failure ends the call. */
function failureOf(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  throw thrown;
}

function isFailure(told: unknown): told is Failure {
  return told instanceof Failure;
}

/** About the item, that is. */
function saysNothing(told: Description | Failure): boolean {
  return isFailure(told) && told.code !== "ref_not_found";
}

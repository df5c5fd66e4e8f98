/** The ExternalSecrets that are left to other controllers: who they are, and when to look at them again. */
import type { Clock } from "../core/clock.ts";
import type { Log } from "../observe/log.ts";
import type { Metrics } from "../observe/metrics.ts";
import { idOf } from "./objects.ts";
import { standAside, type AsideRules, type StandAside } from "./stand-aside.ts";
import type { ExternalSecretItem } from "./ports.ts";

export interface BystandersDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Pick<Metrics, "leftAlone">;
  readonly rules: AsideRules;
}

/** An object that nothing announces is looked at this often. */
const lookAgainMs = 3_600_000;
/** Two clocks, and times in whole seconds: a moment later it is certain. */
const marginMs = 2_000;

export class Bystanders {
  readonly #deps: BystandersDeps;
  readonly #why = new Map<string, StandAside["why"]>();

  constructor(deps: BystandersDeps) {
    this.#deps = deps;
  }

  has(id: string): boolean {
    return this.#why.has(id);
  }

  /** Milliseconds until the object is to be looked at again; undefined when it is ours. Tells what is new about that. */
  waitMs(item: ExternalSecretItem): number | undefined {
    const { clock, rules, log } = this.#deps;
    const id = idOf(item.key);
    const aside = standAside(item, rules, clock.nowMs());
    const before = this.#why.get(id);
    if (aside?.why !== before) {
      if (aside) this.#why.set(id, aside.why);
      else this.#why.delete(id);
      this.#count();
      if (!aside) log.info("external secret is synced here now", item.key);
      else if (aside.why === "other_class") log.info("external secret left to another controller class", item.key);
      else log.info("external secret left to another controller", { ...item.key, reason: aside.manager.slice(0, 100) });
    }
    if (!aside) return undefined;
    if (aside.why === "other_class") return lookAgainMs;
    return Math.min(aside.untilMs - clock.nowMs() + marginMs, lookAgainMs);
  }

  forget(id: string): void {
    if (this.#why.delete(id)) this.#count();
  }

  #count(): void {
    const counts = { other_controller: 0, other_class: 0 };
    for (const why of this.#why.values()) counts[why]++;
    this.#deps.metrics.leftAlone(counts);
  }
}

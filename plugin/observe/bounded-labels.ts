/**
 * Labels from names that users choose, bounded: the first N names keep theirs, all further ones share `_other`.
 * One object more in the cluster must not be one series more without end: a scrape of 10,000 objects blocks the process
 * for half a second.
 */
export const otherLabel = "_other";

export interface ObjectLabels {
  readonly name: string;
  readonly namespace: string;
}

const otherObject: ObjectLabels = { name: otherLabel, namespace: otherLabel };

/** Which objects have series of their own. */
export class ObjectSlots {
  readonly #limit: number;
  readonly #slots = new Map<string, ObjectLabels>();

  /** `on` = no bound, `off` = none of their own. */
  constructor(limit: number | "on" | "off") {
    this.#limit = limit === "on" ? Infinity : limit === "off" ? 0 : limit;
  }

  /** The object's labels; takes a free slot for it. */
  labelsOf({ namespace, name }: ObjectLabels): ObjectLabels {
    const key = `${namespace}/${name}`;
    const taken = this.#slots.get(key);
    if (taken || this.#slots.size >= this.#limit) return taken ?? otherObject;
    const labels = { name, namespace };
    this.#slots.set(key, labels);
    return labels;
  }

  /** Frees the object's slot. Returns its labels when it had one. */
  free({ namespace, name }: ObjectLabels): ObjectLabels | undefined {
    const key = `${namespace}/${name}`;
    const labels = this.#slots.get(key);
    this.#slots.delete(key);
    return labels;
  }

  /** Whether an object of any namespace has this name as its label. */
  hasName(name: string): boolean {
    return this.#slots.values().some((labels) => labels.name === name);
  }
}

/** Bounds one label; names are never given up. */
export function boundedNames(limit: number): (name: string) => string {
  const known = new Set<string>();
  return (name) => {
    if (known.has(name)) return name;
    if (known.size >= limit) return otherLabel;
    known.add(name);
    return name;
  };
}

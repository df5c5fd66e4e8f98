/** The store behind `render --values`: a map of remote keys in a file, in place of every store that a manifest names. */
import { Failure } from "../core/failure.ts";
import { isJsonObject, JsonProblem, parseJson } from "../core/json.ts";
import { canonicalJson } from "../core/canonical-json.ts";
import { SecretValue } from "../core/secret-value.ts";
import { isMap } from "../manifests/fields.ts";
import { parseYamlDocuments } from "../manifests/yaml-text.ts";
import type { Address, FindAbility, Session, StoreKind } from "../stores/contract.ts";
import { StartProblem } from "./start-problem.ts";

export type Values = ReadonlyMap<string, SecretValue>;

/** A text is the value as it is, a map its JSON. Throws StartProblem, which quotes nothing of the file. */
export function parseValues(text: string, file: string): Values {
  const members = jsonMembers(text) ?? yamlMembers(text, file);
  return new Map(
    Object.entries(members).map(([key, value]) => {
      if (typeof value === "string") return [key, SecretValue.fromText(value)];
      if (typeof value === "object" && value !== null) return [key, SecretValue.fromText(canonicalJson(value))];
      throw new StartProblem(`--values: ${file}: each value must be text or a map; put numbers in quotes`);
    }),
  );
}

/** JSON keeps every digit of a number; undefined when the text is none. */
function jsonMembers(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed = parseJson(text);
    return isJsonObject(parsed) ? parsed : undefined;
  } catch (thrown) {
    if (thrown instanceof JsonProblem) return undefined;
    throw thrown;
  }
}

function yamlMembers(text: string, file: string): Readonly<Record<string, unknown>> {
  const [document, ...others] = parseYamlDocuments(text);
  if (document?.ok === false) throw new StartProblem(`--values: ${file}: line ${document.line}: ${document.problem}`);
  if (!document?.ok || others.length > 0 || !isMap(document.value))
    throw new StartProblem(`--values: ${file}: must be one map of remote keys and values`);
  return document.value;
}

export function valuesKind(values: Values): StoreKind {
  return {
    name: "values",
    metricLabel: "Values",
    propertySyntax: "key-then-gjson",
    unusedCallerFacts: ["namespace", "storeName", "storeKind"],
    open: () => ({
      ok: true,
      value: {
        config: {},
        store: {
          proofNeed: { kind: "none" },
          loginRealm: "values",
          locate: ({ key, version = "" }) => ({ address: key as Address, method: "GET", arguments: "", version }),
          login: () => Promise.resolve({}),
          fetch({ address, version }) {
            const value = values.get(address);
            if (value) return Promise.resolve({ value, version });
            const message = `--values has no key ${JSON.stringify(address)}; add it`;
            return Promise.reject(new Failure("ref_not_found", message));
          },
          find: findAmong([...values.keys()]),
        },
      },
    }),
  };
}

/** A file has no folders, so a path is what a key begins with; nor has it tags. */
function findAmong(keys: readonly string[]): FindAbility<Session> {
  return {
    by: ["path", "name"],
    locate: ({ path = "" }) => ({ address: `${path}*` as Address, method: "GET", arguments: "", version: "" }),
    list({ path = "", name }) {
      const found = keys.filter((key) => key.startsWith(path) && (name?.matches(key) ?? true));
      return Promise.resolve(found.map((key) => ({ name: key, key })));
    },
  };
}

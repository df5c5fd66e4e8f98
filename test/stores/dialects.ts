/** What tests of dialects share: how a class is parsed, opened and told in lines. */
import assert from "node:assert/strict";
import type { Problem } from "../../plugin/manifests/objects.ts";
import type {
  ClassDialect,
  ClassRequest,
  DialectFile,
  DialectSurroundings,
} from "../../plugin/stores/class-dialect.ts";
import type { Store, StoreDeps, StoreKind } from "../../plugin/stores/contract.ts";
import { FakeClock } from "../fakes/clock.ts";

export type Parameters = Readonly<Record<string, string>>;

export const surroundings: DialectSurroundings = {
  namespace: "shop",
  serviceAccountName: "checkout",
  secretKeys: [],
  filePermission: 0o644,
};

export function understood(
  dialect: ClassDialect,
  parameters: Parameters,
  more: Partial<DialectSurroundings> = {},
): ClassRequest {
  const result = dialect.parse(parameters, { ...surroundings, ...more });
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

export function problemsOf(
  dialect: ClassDialect,
  parameters: Parameters,
  more: Partial<DialectSurroundings> = {},
): readonly Problem[] {
  const result = dialect.parse(parameters, { ...surroundings, ...more });
  assert.ok(!result.ok, "nothing was wrong with it");
  return result.problems;
}

/** `path mode <- key as part (encoding)`. */
export function told({ path, mode, ref, part, encoding }: DialectFile): string {
  const cut = part.kind === "key" ? `${part.of} ${part.key}` : part.kind;
  return `${path} ${mode.toString(8)} <- ${ref.key} as ${cut}${encoding === "utf-8" ? "" : ` (${encoding})`}`;
}

const deps: StoreDeps = {
  clock: new FakeClock(),
  http: () => () => assert.fail("opening a block asks nobody"),
  watchPath: () => () => undefined,
  plainHttp: false,
  countCall: () => undefined,
};

/** Each block of a request as the kind opens it, by the name that files use; the first is ``. Locates every ref. */
export function openAll(kind: StoreKind, request: ClassRequest): ReadonlyMap<string, Store> {
  const scope = request.processIdentity ? "ClusterSecretStore" : "SecretStore";
  const stores = new Map(
    Object.entries({ "": request.block, ...request.further }).map(([name, block]) => {
      const opened = kind.open(block, { scope, name: "class", namespace: "shop" }, deps);
      assert.ok(opened.ok, JSON.stringify(opened));
      return [name, opened.value.store];
    }),
  );
  for (const { block = "", ref } of request.files) stores.get(block)!.locate(ref);
  return stores;
}

/**
 * A store's server, kept in memory at the process's edge, and store kinds that speak to it.
 *
 * What it answers depends on everything that reaches it: the configuration, the facts that the kind sends, what the
 * login showed, and the request itself. By default it echoes all of that, so that a value tells whose it is.
 */
import { pause } from "../../plugin/core/deadline.ts";
import { Failure } from "../../plugin/core/failure.ts";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import type { Parsed } from "../../plugin/manifests/objects.ts";
import type {
  Address,
  CallerFact,
  Located,
  OpenedStore,
  Proof,
  ProofNeed,
  Ref,
  Session,
  Store,
  StoreAnswer,
  StoreContext,
  StoreKind,
} from "../../plugin/stores/contract.ts";
import type { FakeClock } from "../fakes/clock.ts";

/** The provider block of the fake kinds. */
export interface WireBlock {
  readonly server: string;
  readonly auth: "none" | "token" | "static";
  readonly audience?: string;
  readonly account?: { readonly name: string; readonly namespace?: string };
  readonly secret?: { readonly name: string; readonly namespace?: string };
  /** The login goes by the account's annotation `role`, and must have it when "required". */
  readonly annotated?: "maybe" | "required";
  /** The audience is that of the account's annotation `audience`, where it has one. */
  readonly audienceByAccount?: true;
  /** Servers with one realm share their logins. */
  readonly realm?: string;
  /** The login sends nothing: what it was given is shown with each request. */
  readonly given?: true;
}

export interface WireRequest {
  readonly server: string;
  /** Name, kind and namespace of the store object, for kinds that send them. */
  readonly facts: StoreContext | undefined;
  /** What the login showed: a token, a credential or nothing. */
  readonly shown: string;
  readonly login: number;
  readonly located: Located;
  /** Monotonic milliseconds. */
  readonly atMs: number;
}

interface WireSession extends Session {
  readonly login: number;
  readonly shown: string;
}

export class FakeServer {
  readonly logins: { readonly server: string; readonly shown: string; readonly atMs: number }[] = [];
  readonly requests: WireRequest[] = [];
  /** What was shown by sessions that asked whether they still stand. */
  readonly checks: string[] = [];
  /** Throws a Failure to refuse. */
  onCheck: (shown: string) => void = () => undefined;
  /** How long each answer takes. */
  latencyMs = 0;
  /** Gives the end of the session, wall clock milliseconds; throws a Failure to refuse. */
  onLogin: (shown: string) => number | undefined = () => undefined;
  /** Throws a Failure to refuse. */
  onRead: (request: WireRequest) => StoreAnswer = echo;
  /** What `watch` was given, by server. */
  readonly watchers = new Set<() => void>();
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  async login(server: string, shown: string, signal: AbortSignal): Promise<WireSession> {
    const login = this.logins.push({ server, shown, atMs: this.#clock.monotonicMs() });
    const expiresAtMs = this.onLogin(shown);
    await this.#travel(signal);
    return { login, shown, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
  }

  async check(shown: string, signal: AbortSignal): Promise<void> {
    this.checks.push(shown);
    await this.#travel(signal);
    this.onCheck(shown);
  }

  async read(request: Omit<WireRequest, "atMs">, signal: AbortSignal): Promise<StoreAnswer> {
    const seen = { ...request, atMs: this.#clock.monotonicMs() };
    this.requests.push(seen);
    let answer: StoreAnswer | undefined;
    let refusal: unknown;
    try {
      answer = this.onRead(seen);
    } catch (thrown) {
      refusal = thrown;
    }
    await this.#travel(signal);
    if (!answer) throw refusal as Error;
    return answer;
  }

  async #travel(signal: AbortSignal): Promise<void> {
    if (this.latencyMs > 0) await pause(this.#clock, this.latencyMs, signal);
    signal.throwIfAborted();
  }
}

/** A value that says everything about the request that it answers. */
export function echo({ server, facts, shown, located }: WireRequest): StoreAnswer {
  return answerOf(JSON.stringify({ server, facts, shown, located }));
}

export function answerOf(text: string, rest: Partial<StoreAnswer> = {}): StoreAnswer {
  return { value: SecretValue.fromText(text), version: "", ...rest };
}

/** `unusedCallerFacts`: all of them for a kind that sends none. */
export function wireKind(name: string, server: FakeServer, unusedCallerFacts: readonly CallerFact[] = []): StoreKind {
  const sendsFacts = unusedCallerFacts.length === 0;
  return {
    name,
    metricLabel: `Test/${name}`,
    propertySyntax: "key-then-gjson",
    unusedCallerFacts,
    open(raw, context): Parsed<OpenedStore> {
      const block = raw as WireBlock & { readonly broken?: string };
      if (block.broken !== undefined)
        return {
          ok: false,
          problems: [
            { path: "auth.role", problem: block.broken },
            { path: "", problem: "second" },
          ],
        };
      const store = wireStore(block, sendsFacts ? context : undefined, server);
      // Like the real kinds: who logs in is no part of the configuration, for it is the subject's.
      return { ok: true, value: { store, config: { server: block.server, auth: block.auth } } };
    },
  };
}

function wireStore(block: WireBlock, facts: StoreContext | undefined, server: FakeServer): Store<WireSession> {
  return {
    proofNeed: needOf(block),
    loginRealm: block.realm ?? block.server,
    locate,
    login: async (proof, signal) => {
      if (block.given) return { login: 0, shown: shownBy(proof), given: true };
      return server.login(block.server, shownBy(proof), signal);
    },
    check: ({ shown }, signal) => server.check(shown, signal),
    fetch: (located, { login, shown }, signal) =>
      server.read({ server: block.server, facts, shown, login, located }, signal),
    watch(onChange) {
      server.watchers.add(onChange);
      return () => void server.watchers.delete(onChange);
    },
  };
}

function needOf({ auth, audience, account, secret, annotated, audienceByAccount }: WireBlock): ProofNeed {
  if (auth === "none") return { kind: "none" };
  const field = "spec.provider.wire.auth";
  if (auth === "token")
    return {
      kind: "token",
      field,
      ...(audience === undefined ? {} : { audience }),
      ...(account ? { serviceAccount: account } : {}),
      ...(annotated && {
        annotations: {
          ...(audienceByAccount && { audience: "audience" }),
          shown: ["role"],
          required: annotated === "required" ? { role: "add it" } : {},
        },
      }),
    };
  return { kind: "static", method: "password", secrets: { password: { field, key: "password", name: "", ...secret } } };
}

/** Keys look like `path`, `path|METHOD` or `path|METHOD|arguments`. */
function locate(ref: Ref): Located {
  const [address = "", method = "GET", args = ""] = ref.key.replace(/^\//, "").split("|");
  if (address === "") throw new Failure("ref_invalid", "the key is empty");
  return { address: address as Address, method, arguments: args, version: ref.version ?? "" };
}

function shownBy(proof: Proof): string {
  if (proof.kind === "none") return "";
  const role = proof.kind === "token" ? (proof.annotations?.["role"] ?? "") : "";
  return (proof.kind === "token" ? proof.token : proof.secrets.password!).reveal().toString("utf8") + role;
}

/**
 * A store's server, kept in memory at the process's edge, and store kinds that speak to it.
 *
 * What it answers depends on everything that reaches it: the configuration, the facts that the kind sends, what the
 * login showed, and the request itself. By default it echoes all of that, so that a value tells whose it is.
 */
import { pause } from "../../plugin/core/deadline.ts";
import { Failure, toFailure } from "../../plugin/core/failure.ts";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import type { Parsed } from "../../plugin/manifests/objects.ts";
import type {
  Address,
  BatchOutcome,
  CallerFact,
  Lease,
  FindAbility,
  FindWish,
  Found,
  Located,
  OpenedStore,
  Proof,
  ProofNeed,
  Ref,
  SecretKeyRef,
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
  readonly secret?: Partial<SecretKeyRef> & { readonly name: string };
  /** True: the credential is a Secret as a whole. */
  readonly wholeSecret?: true;
  /** Shown beside the token. */
  readonly beside?: { readonly name: string; readonly namespace?: string };
  /** The credential says nothing about who reads. */
  readonly anonymous?: true;
  /** The login goes by the account's annotation `role`, and must have it when "required". */
  readonly annotated?: "maybe" | "required";
  /** The audience is that of the account's annotation `audience`, where it has one. */
  readonly audienceByAccount?: true;
  /** Plain reads can go out together, so many in one call. */
  readonly batch?: number;
  /** A kept answer is asked about before it is read again. */
  readonly refetch?: true;
  /** Sessions can be renewed. */
  readonly renew?: true;
  /** Leases can be renewed and revoked. */
  readonly leases?: true;
  /** Servers with one realm share their logins. */
  readonly realm?: string;
  /** The login sends nothing: what it was given is shown with each request. */
  readonly given?: true;
  /** What the store can find by; absent: it cannot find. */
  readonly findsBy?: FindAbility<Session>["by"];
}

export interface WireListing {
  readonly server: string;
  readonly shown: string;
  readonly wish: FindWish;
  /** Monotonic milliseconds. */
  readonly atMs: number;
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
  readonly listings: WireListing[] = [];
  /** Calls that held several reads, by their addresses. */
  readonly batches: (readonly string[])[] = [];
  /** What turns out, in a call for several, not to be read so. */
  readsAlone: (located: Located) => boolean = () => false;
  /** Throws a Failure to refuse the call as a whole. */
  onBatch: (shown: string) => void = () => undefined;
  /** Validators that were asked about. */
  readonly refetches: string[] = [];
  /** Throws a Failure to refuse. */
  onRefetch: (validator: string) => "unchanged" | "changed" = () => "changed";
  /** Sessions that were renewed, by their login. */
  readonly renewals: number[] = [];
  /** Gives the end of the session, wall clock milliseconds; throws a Failure to refuse. */
  onRenew: () => number | undefined = () => undefined;
  /** What was done with leases, as `renew 1 with 2`: the lease, and the login of the session. */
  readonly leaseCalls: string[] = [];
  /** Gives the end of the lease, wall clock milliseconds; throws a Failure to refuse. */
  onLeaseRenew: (id: string) => number = () => 0;
  /** Throws a Failure to refuse. */
  onLeaseRevoke: (id: string) => void = () => undefined;
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
  /** Throws a Failure to refuse. */
  onList: (listing: WireListing) => readonly Found[] = () => [];
  /** Throws a Failure when the whole has no such part. */
  onPart: (located: Located, whole: StoreAnswer) => StoreAnswer = marked;
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
    return this.#answer(() => this.onRead(seen), signal);
  }

  async list(listing: Omit<WireListing, "atMs">, signal: AbortSignal): Promise<readonly Found[]> {
    const seen = { ...listing, atMs: this.#clock.monotonicMs() };
    this.listings.push(seen);
    return this.#answer(() => this.onList(seen), signal);
  }

  /** As things are when the request arrives. */
  async #answer<T extends object>(work: () => T, signal: AbortSignal): Promise<T> {
    let answer: T | undefined;
    let refusal: unknown;
    try {
      answer = work();
    } catch (thrown) {
      refusal = thrown;
    }
    await this.#travel(signal);
    if (!answer) throw refusal as Error;
    return answer;
  }

  /** Each as if it had been read alone. */
  async readTogether(
    requests: readonly Omit<WireRequest, "atMs">[],
    signal: AbortSignal,
  ): Promise<readonly BatchOutcome[]> {
    this.batches.push(requests.map(({ located }) => located.address));
    await this.#travel(signal);
    this.onBatch(requests[0]!.shown);
    return requests.map((request) => {
      if (this.readsAlone(request.located)) return "alone";
      const seen = { ...request, atMs: this.#clock.monotonicMs() - this.latencyMs };
      this.requests.push(seen);
      try {
        return this.onRead(seen);
      } catch (thrown) {
        return toFailure(thrown);
      }
    });
  }

  async renew({ login, shown }: WireSession, signal: AbortSignal): Promise<WireSession> {
    this.renewals.push(login);
    const expiresAtMs = this.onRenew();
    await this.#travel(signal);
    return { login, shown, ...(expiresAtMs === undefined ? {} : { expiresAtMs }) };
  }

  async renewLease({ id }: Lease, { login }: WireSession, signal: AbortSignal): Promise<number> {
    this.leaseCalls.push(`renew ${id} with ${login}`);
    await this.#travel(signal);
    return this.onLeaseRenew(id);
  }

  async revokeLease({ id }: Lease, { login }: WireSession, signal: AbortSignal): Promise<void> {
    this.leaseCalls.push(`revoke ${id} with ${login}`);
    await this.#travel(signal);
    this.onLeaseRevoke(id);
  }

  async refetch(
    request: Omit<WireRequest, "atMs">,
    validator: string,
    signal: AbortSignal,
  ): Promise<StoreAnswer | "unchanged"> {
    this.refetches.push(validator);
    if (this.onRefetch(validator) === "changed") return this.read(request, signal);
    await this.#travel(signal);
    return "unchanged";
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

/** The whole, with the address of the part in it. */
function marked({ address }: Located, { value, version }: StoreAnswer): StoreAnswer {
  const whole = JSON.parse(value.reveal().toString("utf8")) as object;
  return answerOf(JSON.stringify({ ...whole, part: address }), { version });
}

export function answerOf(text: string, rest: Partial<StoreAnswer> = {}): StoreAnswer {
  return { value: SecretValue.fromText(text), version: "", ...rest };
}

/** `unusedCallerFacts`: all of them for a kind that sends none. */
export function wireKind(
  name: string,
  server: FakeServer,
  unusedCallerFacts: readonly CallerFact[] = [],
  propertySyntax: StoreKind["propertySyntax"] = "key-then-gjson",
): StoreKind {
  const sendsFacts = unusedCallerFacts.length === 0;
  return {
    name,
    metricLabel: `Test/${name}`,
    propertySyntax,
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
  const asked = (located: Located, { login, shown }: WireSession): Omit<WireRequest, "atMs"> => ({
    server: block.server,
    facts,
    shown,
    login,
    located,
  });
  return {
    proofNeed: needOf(block),
    loginRealm: block.realm ?? block.server,
    locate,
    locateCall: ({ path, method, body }) => ({
      address: path as Address,
      method: method === "GET" ? "READ" : method,
      arguments: JSON.stringify(body),
      version: "",
    }),
    login: async (proof, signal) => {
      if (block.given) return { login: 0, shown: shownBy(proof), given: true };
      return server.login(block.server, shownBy(proof), signal);
    },
    check: ({ shown }, signal) => server.check(shown, signal),
    fetch: (located, session, signal) => server.read(asked(located, session), signal),
    ...(block.batch !== undefined && {
      batch: {
        most: block.batch,
        takes: ({ method }: Located) => method === "GET",
        fetch: (located: readonly Located[], session: WireSession, signal: AbortSignal) =>
          server.readTogether(
            located.map((one) => asked(one, session)),
            signal,
          ),
      },
    }),
    ...(block.renew && {
      renew: (session: WireSession, signal: AbortSignal) => server.renew(session, signal),
    }),
    ...(block.leases && {
      leases: {
        renew: (lease: Lease, session: WireSession, signal: AbortSignal) => server.renewLease(lease, session, signal),
        revoke: (lease: Lease, session: WireSession, signal: AbortSignal) => server.revokeLease(lease, session, signal),
      },
    }),
    ...(block.refetch && {
      refetch: (located: Located, validator: string, session: WireSession, signal: AbortSignal) =>
        server.refetch(asked(located, session), validator, signal),
    }),
    part: (located, whole) => server.onPart(located, whole),
    ...(block.findsBy && { find: findAbility(block, block.findsBy, server) }),
    watch(onChange) {
      server.watchers.add(onChange);
      return () => void server.watchers.delete(onChange);
    },
  };
}

/** A listing's address is `list of` its path, so that no rule for secrets is one for listings. */
function findAbility(
  block: WireBlock,
  by: FindAbility<WireSession>["by"],
  server: FakeServer,
): FindAbility<WireSession> {
  return {
    by,
    locate({ path = "" }) {
      if (path.startsWith("/")) throw new Failure("ref_invalid", "a path does not begin with /");
      return { address: `list of ${path}` as Address, method: "LIST", arguments: "", version: "" };
    },
    list: (wish, { shown }, signal) => server.list({ server: block.server, shown, wish }, signal),
  };
}

function needOf(block: WireBlock): ProofNeed {
  const { auth, audience, account, secret, annotated, audienceByAccount, beside, anonymous } = block;
  if (auth === "none") return { kind: "none" };
  const field = "spec.provider.wire.auth";
  if (auth === "token")
    return {
      kind: "token",
      field,
      ...(audience === undefined ? {} : { audience }),
      ...(account ? { serviceAccount: account } : {}),
      ...(beside && { secrets: { password: { field: "spec.provider.wire.ca", key: "password", ...beside } } }),
      ...(annotated && {
        annotations: {
          ...(audienceByAccount && { audience: "audience" }),
          shown: ["role"],
          required: annotated === "required" ? { role: "add it" } : {},
        },
      }),
    };
  const key = block.wholeSecret ? {} : { key: "password" };
  const password = { field, name: "", ...key, ...secret };
  return { kind: "static", method: "password", secrets: { password }, ...(anonymous && { anonymous }) };
}

/** Keys look like `path`, `path|METHOD` or `path|METHOD|arguments`; a path like `whole#part`, or a property, is a part. */
function locate({ key, property, version = "" }: Ref): Located {
  const [path = "", method = "GET", args = ""] = key.replace(/^\//, "").split("|");
  if (path === "") throw new Failure("ref_invalid", "the key is empty");
  const address = property === undefined ? path : `${path}#${property}`;
  const located: Located = { address: address as Address, method, arguments: args, version };
  const [whole, part] = address.split("#");
  return part === undefined ? located : { ...located, whole: { ...located, address: whole as Address } };
}

function shownBy(proof: Proof): string {
  if (proof.kind === "none") return "";
  const textOf = (value: SecretValue | undefined): string => value?.reveal().toString("utf8") ?? "";
  if (proof.kind === "static") return textOf(proof.secrets.password);
  return textOf(proof.token) + (proof.annotations?.["role"] ?? "") + textOf(proof.secrets?.password);
}

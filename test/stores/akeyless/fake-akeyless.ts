/**
 * An Akeyless API on loopback, as far as reading goes: accounts by access id, tokens that end, items of four kinds with
 * their versions, roles, pages. The vendor's own client is run against it in vendor.test.ts.
 */
import { randomUUID } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../../../plugin/core/clock.ts";

type Json = Readonly<Record<string, unknown>>;

export interface Item {
  readonly type: string;
  /** Oldest first; a hole is a version that was deleted. */
  readonly versions?: readonly unknown[];
  readonly tags?: readonly string[];
}

export interface Account {
  readonly accessId: string;
  /** What a login must show, by the names of the request. */
  readonly shows: Json;
  /** Names that it may read begin with this. */
  readonly reads: string;
  readonly ttlSeconds?: number;
}

export interface Asked {
  readonly operation: string;
  readonly body: Json;
  /** Whose token came with it. */
  readonly accessId?: string;
}

export interface FakeAkeyless {
  readonly url: string;
  readonly asked: readonly Asked[];
  readonly items: Map<string, Item>;
  readonly accounts: Account[];
  /** Answers instead of the API while it is set. */
  instead:
    | ((
        asked: Asked,
      ) => readonly [status: number, body: string, headers?: Readonly<Record<string, string>>] | undefined)
    | undefined;
  pageSize: number;
  close(): Promise<void>;
}

interface Token {
  readonly account: Account;
  readonly endsAtMs: number;
}

class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export async function startAkeyless(clock: Clock): Promise<FakeAkeyless> {
  const asked: Asked[] = [];
  const tokens = new Map<string, Token>();
  let made = 0;

  const logIn = (body: Json): Json => {
    const account = fake.accounts.find(
      ({ accessId, shows }) =>
        accessId === body["access-id"] && Object.entries(shows).every(([name, value]) => body[name] === value),
    );
    if (!account) throw new Refusal(401, "Unauthorized: access id or credential is wrong");
    const token = `t-${randomUUID()}`;
    const endsAtMs = clock.nowMs() + (account.ttlSeconds ?? 3_600) * 1_000;
    tokens.set(token, { account, endsAtMs });
    return { token, ...(account.ttlSeconds ? { expiration: String(Math.floor(endsAtMs / 1_000)) } : {}) };
  };

  const accountOf = (body: Json): Account => {
    const found = tokens.get(String(body["token"]));
    if (!found || found.endsAtMs <= clock.nowMs()) throw new Refusal(401, "Unauthorized: the token is not valid");
    return found.account;
  };

  /** `type`: that which the operation is for. */
  const itemOf = (account: Account, name: unknown, type?: string): Item => {
    if (!String(name).startsWith(account.reads)) throw new Refusal(403, "Forbidden: no role allows it");
    const item = fake.items.get(String(name));
    if (!item) throw new Refusal(404, "the item does not exist");
    if (type !== undefined && item.type !== type) throw new Refusal(400, "the item is of another type");
    return item;
  };

  const versionOf = ({ versions = [] }: Item, version: unknown): unknown => {
    const value = versions[(typeof version === "number" && version > 0 ? version : versions.length) - 1];
    if (value === undefined) throw new Refusal(404, "the version does not exist");
    return value;
  };

  const operations: Readonly<Record<string, (body: Json, account: Account) => Json>> = {
    "describe-item": ({ name }, account) => {
      const { type, versions = [], tags = [] } = itemOf(account, name);
      return { item_name: name, item_id: 1, item_type: type, item_tags: tags, last_version: versions.length };
    },
    "get-secret-value": ({ names, version }, account) =>
      Object.fromEntries(
        (names as string[]).map((name) => [name, versionOf(itemOf(account, name, "STATIC_SECRET"), version)]),
      ),
    "get-rotated-secret-value": ({ names, version }, account) => ({
      value: versionOf(itemOf(account, names, "ROTATED_SECRET"), version),
    }),
    "get-certificate-value": ({ name, version }, account) =>
      versionOf(itemOf(account, name, "CERTIFICATE"), version) as Json,
    "get-dynamic-secret-value": ({ name }, account) => {
      itemOf(account, name, "DYNAMIC_SECRET");
      return { id: `tmp.${++made}`, user: `u${made}`, password: `p${made}`, ttl_in_minutes: "60" };
    },
    "list-items": (body, account) => {
      const { filter = "", tag = "", type = [], "pagination-token": page = "0" } = body;
      const all = [...fake.items]
        .filter(([name]) => name.startsWith(account.reads) && name.includes(String(filter)))
        .filter(([, { tags = [] }]) => tag === "" || tags.includes(String(tag)))
        .filter(([, item]) => (type as string[]).includes(item.type.toLowerCase().replace("_", "-")));
      const from = Number(page);
      const items = all
        .slice(from, from + fake.pageSize)
        .map(([item_name, item]) => ({ item_name, item_type: item.type }));
      const next = from + fake.pageSize;
      return {
        items: items.length === 0 ? null : items,
        folders: [],
        next_page: next < all.length ? String(next) : "",
      };
    },
  };

  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const operation = request.url!.slice(1);
      const reply = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void => {
        response.writeHead(status, {
          "content-type": "application/json",
          "x-request-id": `r-${asked.length}`,
          ...headers,
        });
        response.end(typeof body === "string" ? body : JSON.stringify(body));
      };
      try {
        const body = JSON.parse(Buffer.concat(chunks).toString()) as Json;
        const owner = tokens.get(String(body["token"]))?.account.accessId;
        const one: Asked = { operation, body, ...(owner === undefined ? {} : { accessId: owner }) };
        asked.push(one);
        const other = fake.instead?.(one);
        if (other) return reply(...other);
        if (request.method !== "POST") throw new Refusal(405, "method not allowed");
        if (operation === "auth") return reply(200, logIn(body));
        const run = operations[operation];
        if (!run) return reply(404, "404 page not found");
        reply(200, run(body, accountOf(body)));
      } catch (thrown) {
        if (!(thrown instanceof Refusal)) return reply(500, { error: String(thrown) });
        reply(thrown.status, { error: thrown.message });
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const fake: FakeAkeyless = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    items: new Map(),
    accounts: [],
    instead: undefined,
    pageSize: 1_000,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return fake;
}

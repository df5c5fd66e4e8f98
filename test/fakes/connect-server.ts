/**
 * A server on loopback that behaves like 1Password Connect where a reader looks: tokens with rights to vaults, titles
 * searched by a filter, items whole, files by themselves. Its refusals repeat what was asked, as Connect's do.
 */
import { EventEmitter, once } from "node:events";
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface FakeField {
  readonly id: string;
  readonly label?: string;
  readonly value?: string;
  readonly type?: string;
  readonly section?: { readonly id: string };
  readonly totp?: string;
}

export interface FakeItem {
  readonly title: string;
  readonly category?: string;
  readonly tags?: readonly string[];
  readonly sections?: readonly { readonly id: string; readonly label?: string }[];
  readonly fields?: readonly FakeField[];
  readonly files?: readonly { readonly name: string; readonly content: Buffer }[];
}

export interface ConnectRequest {
  readonly token: string;
  /** With the query, decoded. */
  readonly path: string;
  readonly status: number;
}

export interface FakeConnect {
  readonly url: string;
  readonly requests: readonly ConnectRequest[];
  /** Decoded paths below /v1/ since the last call of this. */
  asked(): readonly string[];
  vault(name: string, id?: string): string;
  /** Adds an item, or replaces it when `id` is there already; its version counts up. Returns the id. */
  put(vault: string, item: FakeItem, id?: string): string;
  remove(vault: string, id: string): void;
  removeVault(vault: string): void;
  /** Rights of a token, by ids of vaults. */
  grant(token: string, ...vaults: readonly string[]): void;
  /** From now on a filter by title brings whatever holds the title's letters. */
  compareLoosely(): void;
  /** Answers are made as before, and kept back until `release`. */
  hold(): Held;
  /** From now on every listing of a whole vault is answered so. */
  listWhole(answer: { readonly status: number; readonly body: unknown }): void;
  /** From now on every request is answered so; undefined ends it. */
  refuse(answer: { readonly status: number; readonly headers?: Readonly<Record<string, string>> } | undefined): void;
  close(): Promise<void>;
}

export interface Held {
  /** Resolves when so many requests have come since. */
  received(count: number): Promise<void>;
  /** Resolves when so many of them were given up by who sent them. */
  dropped(count: number): Promise<void>;
  release(): void;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

interface StoredItem extends FakeItem {
  readonly id: string;
  readonly version: number;
}

const idShape = /^[a-z0-9]{26}$/;
const no = (status: number, message: string): Answer => ({ status, body: { status, message } });

export async function startConnect(): Promise<FakeConnect> {
  const requests: ConnectRequest[] = [];
  const vaults = new Map<string, { readonly name: string; readonly items: Map<string, StoredItem> }>();
  const rights = new Map<string, ReadonlySet<string>>();
  let loose = false;
  let wholeListing: Answer | undefined;
  let held: ((answer: () => void, response: ServerResponse) => void) | undefined;
  let refused: Parameters<FakeConnect["refuse"]>[0];
  let ids = 0;
  let told = 0;
  const newId = (): string => `${(++ids).toString(36)}`.padStart(26, "x");

  function route(token: string, url: URL): Answer {
    const granted = rights.get(token);
    if (!granted) return no(401, `Invalid token signature: ${token}`);
    const [v1, place, vaultId, what, itemId, files, fileId, content] = url.pathname
      .replace(/^\/|\/$/g, "")
      .split("/")
      .map(decodeURIComponent);
    if (v1 !== "v1" || place !== "vaults") return no(404, "page not found");
    if (vaultId === undefined) return listVaults(granted, url);
    if (!idShape.test(vaultId)) return no(400, "Invalid Vault UUID");
    const vault = vaults.get(vaultId);
    if (!vault) return no(404, `vault ${vaultId} not found`);
    if (!granted.has(vaultId)) return no(403, `vault ${vaultId} is not in scope`);
    if (what === undefined) return { status: 200, body: { id: vaultId, name: vault.name } };
    if (itemId === undefined) return listItems(vaultId, url);
    if (!idShape.test(itemId)) return no(400, "Invalid Item UUID");
    const item = vault.items.get(itemId);
    if (!item) return no(404, `item ${itemId} not found`);
    if (files === undefined) return { status: 200, body: wholeItem(vaultId, item) };
    if (fileId === undefined) return { status: 200, body: filesOf(vaultId, item) };
    const at = filesOf(vaultId, item).findIndex(({ id }) => id === fileId);
    if (at < 0) return no(404, `file ${fileId} not found`);
    if (content === undefined) return { status: 200, body: filesOf(vaultId, item)[at] };
    return { status: 200, body: item.files![at]!.content };
  }

  function listVaults(granted: ReadonlySet<string>, url: URL): Answer {
    const wanted = filterOf(url);
    const seen = [...vaults].filter(([id]) => granted.has(id));
    return {
      status: 200,
      body: seen
        .map(([id, { name, items }]) => ({ id, name, ...(items.size > 0 ? { items: items.size } : {}) }))
        .filter(({ name }) => !wanted || name === wanted),
    };
  }

  function listItems(vaultId: string, url: URL): Answer {
    const wanted = filterOf(url);
    const listed = [...vaults.get(vaultId)!.items.values()].filter(
      ({ title }) => !wanted || title === wanted || (loose && title.toLowerCase().includes(wanted.toLowerCase())),
    );
    return { status: 200, body: listed.map((item) => summary(vaultId, item)) };
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url!, "http://connect");
    const token = /^Bearer (.+)$/.exec(headerOf(request, "authorization"))?.[1] ?? "";
    const listsAll = wholeListing && /\/items$/.test(url.pathname) && !url.search ? wholeListing : undefined;
    const { status, body } = refused ? no(refused.status, `refused ${request.url}`) : (listsAll ?? route(token, url));
    requests.push({ token, path: decodeURIComponent(request.url!.replaceAll("+", " ")), status });
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    const type = Buffer.isBuffer(body) ? "application/octet-stream" : "application/json";
    const headers = { "content-type": type, "x-request-id": `request-${requests.length}`, ...refused?.headers };
    const answer = (): void => void response.writeHead(status, headers).end(bytes);
    if (held) held(answer, response);
    else answer();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    asked: () => requests.slice(told, (told = requests.length)).map(({ path }) => path.replace(/^\/v1\//, "")),
    vault(name, id = newId()) {
      vaults.set(id, { name, items: new Map() });
      return id;
    },
    put(vault, item, id = newId()) {
      const { items } = vaults.get(vault)!;
      items.set(id, { ...item, id, version: (items.get(id)?.version ?? 0) + 1 });
      return id;
    },
    remove: (vault, id) => void vaults.get(vault)!.items.delete(id),
    removeVault: (vault) => void vaults.delete(vault),
    grant: (token, ...allowed) => void rights.set(token, new Set(allowed)),
    compareLoosely: () => void (loose = true),
    hold() {
      const answers: (() => void)[] = [];
      const events = new EventEmitter();
      let dropped = 0;
      held = (answer, response) => {
        response.once("close", () => events.emit("change", response.writableFinished || dropped++));
        events.emit("change", answers.push(answer));
      };
      const until = async (reached: () => boolean): Promise<void> => {
        while (!reached()) await once(events, "change");
      };
      return {
        received: (count) => until(() => answers.length >= count),
        dropped: (count) => until(() => dropped >= count),
        release() {
          held = undefined;
          for (const answer of answers) answer();
        },
      };
    },
    listWhole: (answer) => void (wholeListing = answer),
    refuse: (answer) => void (refused = answer),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** SCIM: the value is a JSON string. */
function filterOf(url: URL): string | undefined {
  const filter = url.searchParams.get("filter");
  const value = filter === null ? undefined : /^(?:title|name) eq (".*")$/s.exec(filter)?.[1];
  return value === undefined ? undefined : (JSON.parse(value) as string);
}

function summary(vault: string, { id, title, category = "LOGIN", tags, version }: StoredItem) {
  return { id, title, category, version, vault: { id: vault }, ...(tags ? { tags } : {}) };
}

function wholeItem(vault: string, item: StoredItem) {
  const { sections, fields } = item;
  return {
    ...summary(vault, item),
    ...(sections ? { sections } : {}),
    ...(fields ? { fields: fields.map((field) => ({ type: "STRING", ...field })) } : {}),
    ...(item.files ? { files: filesOf(vault, item) } : {}),
    urls: [{ href: "https://canary-url.example.com" }],
  };
}

function filesOf(vault: string, { id, files = [] }: StoredItem) {
  return files.map(({ name, content }, i) => {
    const fileId = `file${i}`.padEnd(26, "y");
    // Where the content lies elsewhere: a reader that follows it asks for what is not there.
    const path = `/v1/vaults/${vault}/items/${id}/elsewhere/${fileId}`;
    return { id: fileId, name, size: content.length, content_path: path };
  });
}

function headerOf(request: IncomingMessage, name: string): string {
  const value = request.headers[name];
  return typeof value === "string" ? value : "";
}

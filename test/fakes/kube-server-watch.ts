/** Watches of the fake API server: history first, then changes as they come, and whatever a test wants to go wrong. */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { statusDocument } from "./kube-server-answers.ts";
import type { StatusWish } from "./kube-server-answers.ts";
import type { KubeObjects } from "./kube-server-objects.ts";
import type { Change, ResourceName, StoredObject } from "./kube-server-types.ts";
import type { Selector } from "./kube-server-selectors.ts";

export interface FakeWatch {
  readonly resource: ResourceName;
  readonly query: URLSearchParams;
  /** False once either side has ended it. */
  readonly open: boolean;
  /** Bytes as they are: half lines, half characters. Resolves when they were handed to the socket. */
  sendBytes: (bytes: Uint8Array | string) => Promise<void>;
  sendEvent: (type: string, object: unknown) => Promise<void>;
  /** With the version of now unless given. */
  bookmark: (resourceVersion?: string) => Promise<void>;
  /** An ERROR event, then the end, as the API server does. */
  fail: (code: number, reason: string) => void;
  /** A clean end, as at timeoutSeconds. */
  end: () => void;
  /** Breaks the connection. */
  reset: () => void;
  /** From now on nothing comes any more, and the connection stays. */
  mute: () => void;
  /** Resolves when it is not open any more. */
  readonly closed: Promise<void>;
}

export interface WatchWish {
  readonly resource: ResourceName;
  readonly namespace: string | undefined;
  readonly query: URLSearchParams;
  readonly matches: Selector;
  /** The place to start from is no longer kept, which the stream says. */
  readonly lost: StatusWish | undefined;
  /** Shown objects, e.g. with the apiVersion asked for. */
  readonly shape: (object: StoredObject) => StoredObject;
}

/** Undefined when the watch ended with its beginning. */
export function openWatch(response: ServerResponse, objects: KubeObjects, wish: WatchWish): FakeWatch | undefined {
  let open = true;
  let muted = false;
  const ended = Promise.withResolvers<void>();
  const follow = (change: Change): void => {
    const event = eventOf(change, wish);
    if (event && !muted) void send(`${JSON.stringify(event)}\n`);
  };
  const send = (bytes: Uint8Array | string): Promise<void> =>
    new Promise((resolve) => (open ? response.write(bytes, () => resolve()) : resolve()));
  const finish = (): void => {
    open = false;
    objects.listeners.delete(follow);
  };
  response.on("close", () => {
    finish();
    ended.resolve();
  });
  response.writeHead(200, { "content-type": "application/json", "cache-control": "no-cache, private" });
  response.flushHeaders();
  if (wish.lost) {
    response.end(`${JSON.stringify({ type: "ERROR", object: statusDocument(wish.lost) })}\n`);
    return undefined;
  }
  const from = Number(wish.query.get("resourceVersion") ?? objects.version);
  for (const change of objects.history) if (change.version > from) follow(change);
  objects.listeners.add(follow);
  const sendEvent = (type: string, object: unknown): Promise<void> => send(`${JSON.stringify({ type, object })}\n`);
  return {
    resource: wish.resource,
    query: wish.query,
    get open() {
      return open;
    },
    closed: ended.promise,
    sendBytes: send,
    sendEvent,
    bookmark: (resourceVersion = objects.version) => sendEvent("BOOKMARK", { metadata: { resourceVersion } }),
    fail(code, reason) {
      void sendEvent("ERROR", statusDocument({ code, reason, message: `the watch ends: ${reason}` }));
      finish();
      response.end();
    },
    end() {
      finish();
      response.end();
    },
    reset: () => breakOff(response.socket),
    mute: () => void (muted = true),
  };
}

/** As when a machine or a middlebox on the way dies; TLS sockets have no reset of their own. */
export function breakOff(socket: Socket | null): void {
  if (socket instanceof TLSSocket) socket.destroy();
  else socket?.resetAndDestroy();
}

/** A change of labels can move an object into the selection or out of it. */
function eventOf(change: Change, wish: WatchWish): { type: string; object: StoredObject } | undefined {
  const { resource, object, before } = change;
  if (resource.plural !== wish.resource.plural || resource.group !== wish.resource.group) return undefined;
  if (wish.namespace !== undefined && object.metadata.namespace !== wish.namespace) return undefined;
  const was = before !== undefined && wish.matches(before);
  const is = change.type !== "DELETED" && wish.matches(object);
  if (!was && !is) return undefined;
  return { type: was ? (is ? "MODIFIED" : "DELETED") : "ADDED", object: wish.shape(object) };
}

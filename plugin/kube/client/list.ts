/**
 * A whole list, page by page. Of each page only what `keep` returns stays.
 *
 * A continue token lives about five minutes on the server: when it expires the list begins again, and the second time
 * comes in one piece. A page that is too large is asked again in smaller ones. Never a part of a list: it rejects.
 */
import type { KubeApi, KubeObject, ResourceKind, Selection } from "../contract.ts";
import { KubeFailure } from "../contract.ts";
import { AnswerTooLarge } from "./exchange.ts";

export interface WholeList<T> {
  readonly items: readonly T[];
  /** Of the first page: a watch from here misses nothing. */
  readonly resourceVersion: string;
}

export interface ListWish<T> extends Selection {
  readonly kind: ResourceKind;
  readonly pageSize: number;
  readonly keep: (object: KubeObject) => T;
}

type ListPages = Pick<KubeApi, "listPage">;

const expiriesInPages = 1;
const shrinkBy = 4;

/** Rejects with KubeFailure or the signal's reason. */
export async function listWhole<T>(api: ListPages, wish: ListWish<T>, signal: AbortSignal): Promise<WholeList<T>> {
  let limit: number | undefined = wish.pageSize;
  let expiries = 0;
  for (;;) {
    try {
      return await onePass(api, wish, limit, signal);
    } catch (thrown) {
      if (signal.aborted) throw signal.reason;
      if (thrown instanceof KubeFailure && thrown.status === 410 && limit !== undefined) {
        if (++expiries > expiriesInPages) limit = undefined;
      } else if (thrown instanceof AnswerTooLarge && limit !== undefined && limit > 1) {
        limit = Math.max(1, Math.floor(limit / shrinkBy));
      } else throw thrown;
    }
  }
}

async function onePass<T>(
  api: ListPages,
  { kind, keep, ...selection }: ListWish<T>,
  limit: number | undefined,
  signal: AbortSignal,
): Promise<WholeList<T>> {
  const { namespace, labelSelector, fieldSelector } = selection;
  const asked = {
    ...(namespace === undefined ? {} : { namespace }),
    ...(labelSelector === undefined ? {} : { labelSelector }),
    ...(fieldSelector === undefined ? {} : { fieldSelector }),
    ...(limit === undefined ? {} : { limit }),
  };
  const items: T[] = [];
  let page = await api.listPage(kind, asked, signal);
  const { resourceVersion } = page;
  for (;;) {
    for (const object of page.items) items.push(keep(object));
    if (page.continue === undefined) return { items, resourceVersion };
    page = await api.listPage(kind, { ...asked, continue: page.continue }, signal);
  }
}

/** How long and how large things may be when talking to the API server. */
export interface KubeLimits {
  /** One attempt of one request, answer included. Lists get requestMs. */
  readonly attemptMs: number;
  /** One request with its repetitions; also until a watch opens. */
  readonly requestMs: number;
  /** A watch without any byte for so long, or up to a sixth less, is begun anew. Bookmarks come about once a minute. */
  readonly silenceMs: number;
  /** A page of a list, or a single object. */
  readonly answerBytes: number;
  /** One event of a watch. etcd takes objects of 1.5 MiB unless told otherwise. */
  readonly eventBytes: number;
}

export const kubeLimits: KubeLimits = {
  attemptMs: 10_000,
  requestMs: 30_000,
  silenceMs: 90_000,
  answerBytes: 64 * 1_024 * 1_024,
  eventBytes: 16 * 1_024 * 1_024,
};

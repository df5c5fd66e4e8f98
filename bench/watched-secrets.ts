/** Secrets of one label, followed by a watch of the benchmarks' own: it shares nothing with keyferry's. */
import { request } from "node:https";
import type { KubeObject } from "../test/peers/kube/objects.ts";

export interface KubeAccess {
  readonly url: string;
  /** PEM. */
  readonly authority: string;
  readonly token: string;
}

/**
 * Calls `listener` with each Secret that is there and each one that is written from then on. Resolves once the watch is
 * open, with what ends it.
 */
export function watchSecrets(
  { url, authority, token }: KubeAccess,
  labelSelector: string,
  listener: (secret: KubeObject) => void,
): Promise<() => void> {
  const query = new URLSearchParams({ watch: "true", labelSelector });
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/api/v1/secrets?${query.toString()}`, {
      agent: false,
      ca: authority,
      headers: { authorization: `Bearer ${token}`, accept: "application/json" },
    });
    asked.on("error", reject);
    asked.on("response", (answer) => {
      if (answer.statusCode !== 200) return reject(new Error(`the watch was answered with ${answer.statusCode}`));
      // Its end is wanted.
      answer.on("error", () => undefined);
      readLines(answer, (line) => {
        const { type, object } = JSON.parse(line) as { type: string; object: KubeObject };
        if (type === "ADDED" || type === "MODIFIED") listener(object);
      });
      resolve(() => void asked.destroy());
    });
    asked.end();
  });
}

function readLines(stream: NodeJS.ReadableStream, take: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    for (const line of lines) take(line);
  });
}

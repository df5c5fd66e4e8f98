/** An admission webhook's backend on loopback that refuses everything, each path in its own way. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:https";
import { createServer as createPlainServer, type AddressInfo, type Server } from "node:net";
import { makeCertificate } from "../../fakes/certificate.ts";

/** The `status` of a no (undefined: a no without words), or a way not to answer. */
export type Refusal = object | "down" | "silent" | "nonsense" | undefined;

export interface AdmissionServer {
  readonly url: string;
  /** Where nobody listens. */
  readonly downUrl: string;
  /** As a webhook configuration wants it: base64 of a PEM. */
  readonly caBundle: string;
  close(): Promise<void>;
}

/** `refusals` by path, without its slash. */
export async function startAdmissionServer(refusals: Readonly<Record<string, Refusal>>): Promise<AdmissionServer> {
  const hourMs = 3_600_000;
  const life = { notBeforeMs: Date.now() - hourMs, notAfterMs: Date.now() + 24 * hourMs };
  const authority = makeCertificate({ name: "webhook authority", isAuthority: true, ...life });
  const serving = makeCertificate({ name: "webhook", subjects: ["127.0.0.1"], issuer: authority, ...life });
  const server = createServer({ cert: serving.certificate, key: serving.key }, (request, response) => {
    const refusal = refusals[new URL(request.url ?? "/", "https://webhook").pathname.slice(1)];
    if (refusal === "silent") return;
    void uidOf(request).then((uid) => {
      response.setHeader("content-type", "application/json");
      const status = typeof refusal === "object" ? { status: refusal } : {};
      const review = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" };
      if (refusal === "nonsense") response.end('{"kind":"hunter2-canary"}');
      else response.end(JSON.stringify({ ...review, response: { uid, allowed: false, ...status } }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `https://127.0.0.1:${portOf(server)}`,
    downUrl: `https://127.0.0.1:${await unusedPort()}/`,
    caBundle: Buffer.from(authority.certificate).toString("base64"),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function uidOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request) text += String(piece);
  return (JSON.parse(text) as { request: { uid: string } }).request.uid;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

async function unusedPort(): Promise<number> {
  const probe = createPlainServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const port = portOf(probe);
  probe.close();
  await once(probe, "close");
  return port;
}

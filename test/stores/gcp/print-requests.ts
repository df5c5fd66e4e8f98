/**
 * Logs in and reads in every way there is, and prints what would leave this machine and which files were opened. A
 * program of its own, so that a test can give it an environment.
 */
import { canonicalJson } from "../../../plugin/core/canonical-json.ts";
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import type { Proof, StoreContext } from "../../../plugin/stores/contract.ts";
import { gcpsm } from "../../../plugin/stores/gcp/kind.ts";
import type { HttpRequest, HttpSend } from "../../../plugin/stores/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { createGcpIdentities } from "../../fakes/gcp-identities.ts";
import { facts } from "../facts.ts";
import { noteOpenedFiles } from "../opened-files.ts";
import { byCluster, byKey, byPool, clusterWide, inShop, secretProof, tokenProof } from "./opened.ts";

const openedFiles = noteOpenedFiles();

const sent: string[] = [];
const text = (value: string | SecretValue | undefined): string =>
  value instanceof SecretValue ? value.reveal().toString("utf8") : (value ?? "");

/** Ids, and signatures of a key made for this run. */
const withoutChanging = (line: string): string =>
  line.replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "ID").replace(/assertion=[\w.-]+/, "assertion=JWT");

const answers: readonly (readonly [RegExp, object])[] = [
  [/:access\?/, { name: "projects/1/secrets/db/versions/3", payload: { data: "Y2FuYXJ5LXZhbHVl" } }],
  [/\/secrets\/db\?/, { name: "projects/1/secrets/db", labels: { team: "canary-label" } }],
  [/\/secrets\?/, { secrets: [{ name: "projects/1/secrets/db" }] }],
  [/generateAccessToken$/, { accessToken: "canary-token", expireTime: "2030-01-01T00:00:00Z" }],
  [/./, { access_token: "canary-token", expires_in: 3_600 }],
];

const send: HttpSend = ({ method, url, headers, body }: HttpRequest) => {
  const shown = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, text(value)]));
  sent.push(withoutChanging(`${method} ${url.href} ${canonicalJson(shown)} ${text(body)}`));
  const answer = answers.find(([pattern]) => pattern.test(url.href))![1];
  return Promise.resolve({ status: 200, headers: {}, body: SecretValue.fromText(JSON.stringify(answer)) });
};

const email = "reader@shop.iam.gserviceaccount.com";
const ways: readonly (readonly [block: object, proof: Proof, context: StoreContext])[] = [
  [byCluster, tokenProof("jwt", email), inShop],
  [{ ...byPool, location: "europe-west3" }, tokenProof("jwt"), inShop],
  [byKey, secretProof("key", createGcpIdentities().makeKey(email)), inShop],
  [{}, { kind: "static", secrets: {} }, clusterWide],
];
const { signal } = new AbortController();
for (const [block, proof, context] of ways) {
  const store = gcpsm.open({ projectID: "shop", ...block }, context, {
    clock: new FakeClock(),
    http: () => send,
    watchPath: () => () => undefined,
    plainHttp: false,
    countCall: () => undefined,
  });
  if (!store.ok) throw new Error(JSON.stringify(store.problems));
  const opening = store.value.store;
  const session = await opening.login(proof, signal, facts);
  for (const metadataPolicy of ["None", "Fetch"] as const)
    await opening.fetch(opening.locate({ key: "db", metadataPolicy }), session, signal);
  await opening.find!.list({}, session, signal);
}
process.stdout.write(JSON.stringify({ sent, opened: openedFiles() }));

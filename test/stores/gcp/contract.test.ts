import { createGcpIdentities } from "../../fakes/gcp-identities.ts";
import type { Proof, Store, StoreDeps } from "../../../plugin/stores/contract.ts";
import { gcpsm } from "../../../plugin/stores/gcp/kind.ts";
import { crc32c } from "../../../plugin/stores/gcp/crc32c.ts";
import type { CannedAnswer, ReceivedRequest } from "../../fakes/hostile-server.ts";
import { canaries, runContractSuite } from "../contract-suite.ts";
import type { HttpContractHarness } from "../contract-suite.ts";
import { byCluster, byKey, byPool, endpointsAt, inShop, secretProof, tokenProof } from "./opened.ts";

const json = (status: number, body: unknown): CannedAnswer => ({
  status,
  headers: { "content-type": "application/json; charset=UTF-8" },
  body: JSON.stringify(body),
});
const refusal = (code: number, status: string, message: string): CannedAnswer =>
  json(code, { error: { code, status, message } });

function open(block: object) {
  return (baseUrl: string, deps: StoreDeps): Store => {
    const whole = { projectID: "shop", ...block };
    const opened = gcpsm.open(whole, inShop, { ...deps, endpoints: endpointsAt(baseUrl) });
    if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
    return opened.value.store;
  };
}

const value = `{"password":"${canaries.value}"}`;
const name = "projects/123456789012/secrets/db";
const version = (number: number, text: string): CannedAnswer =>
  json(200, {
    name: `${name}/versions/${number}`,
    payload: { data: Buffer.from(text).toString("base64"), dataCrc32c: String(crc32c(Buffer.from(text))) },
  });

const reads: Omit<HttpContractHarness, "open" | "proof"> = {
  ref: { key: "db", metadataPolicy: "None" },
  value,
  version: "7",
  good: version(7, value),
  pinned: {
    version: "3",
    asked: "/versions/3",
    good: version(3, canaries.value),
    gone: refusal(404, "NOT_FOUND", `Secret Version [${name}/versions/3] not found. ${canaries.upstream}`),
  },
  notFound: {
    "of a secret that is not there": refusal(404, "NOT_FOUND", `Secret [${name}] not found or has no versions.`),
    "of a secret that is not there, in other words": refusal(404, "NOT_FOUND", canaries.upstream),
  },
  notReallyMissing: {
    "page of a proxy": [{ status: 404, body: `<html>${canaries.upstream}</html>` }, "answer_invalid"],
    "with JSON that is not Google's": [json(404, { error: "NOT_FOUND" }), "answer_invalid"],
    "of a method that is not known": [refusal(404, "UNIMPLEMENTED", canaries.upstream), "store_error"],
  },
};

const grant = json(200, { access_token: canaries.token, token_type: "Bearer", expires_in: 3_600 });
const login = (path: string): NonNullable<HttpContractHarness["login"]> => ({
  isLogin: (request: ReceivedRequest) => request.path === path,
  good: grant,
});
const token = tokenProof(canaries.proof);

function keyProof(): Proof {
  const key = createGcpIdentities().makeKey("reader@shop.iam.gserviceaccount.com");
  // What a key holds beside the key itself must not show either.
  return secretProof("key", JSON.stringify({ ...(JSON.parse(key) as object), comment: canaries.proof }));
}

runContractSuite("gcpsm with the cluster's identity", {
  ...reads,
  open: open(byCluster),
  proof: token,
  login: login("/v1/identitybindingtoken"),
});
runContractSuite("gcpsm with a pool", { ...reads, open: open(byPool), proof: token, login: login("/v1/token") });
runContractSuite("gcpsm with a key", { ...reads, open: open(byKey), proof: keyProof(), login: login("/token") });

const labels = { team: canaries.value };
const { pinned: _, ...unversioned } = reads;
runContractSuite("gcpsm reading labels", {
  ...unversioned,
  ref: { key: "db", metadataPolicy: "Fetch" },
  value: JSON.stringify({ annotations: {}, labels }),
  version: "",
  good: json(200, { name, labels }),
  open: open(byPool),
  proof: token,
  login: login("/v1/token"),
});

/** The servers that the tests use, each with what is read from it. */
import { systemClock } from "../plugin/core/clock.ts";
import { startConnect } from "../test/fakes/connect-server.ts";
import { createGcpIdentities } from "../test/fakes/gcp-identities.ts";
import { startGcpRest } from "../test/fakes/gcp-rest.ts";
import { createGcpSecrets } from "../test/fakes/gcp-secrets.ts";
import { canned, startHostileServer } from "../test/fakes/hostile-server.ts";
import type { ReceivedRequest } from "../test/fakes/hostile-server.ts";
import { startKubeServer } from "../test/fakes/kube-server.ts";
import { createTokenIssuer } from "../test/fakes/token-issuer.ts";
import { startVaultServer } from "../test/fakes/vault-server.ts";
import { startAkeyless } from "../test/stores/akeyless/fake-akeyless.ts";
import { idOf, startFakeAzure } from "../test/stores/azure/fake-azure.ts";
import { startDoppler } from "../test/stores/doppler/fake-doppler.ts";
import { answerAws, awsCall } from "./store-aws-answers.ts";
import {
  account,
  credentialOf,
  fieldsOfItem,
  loginCall,
  poolAudience,
  refs,
  secretName,
  upperName,
} from "./store-kinds.ts";
import type { BenchedName, ServerPlace } from "./store-kinds.ts";

export interface StoreServer {
  readonly place: ServerPlace;
  /** Every call so far by its name. */
  readonly calls: () => readonly string[];
}

const all = Array.from({ length: refs }, (_, n) => n);
const valueOf = (n: number): string => `value-${n}`;
const at = (url: string, endpoints: readonly string[] = []): ServerPlace => ({
  url,
  endpoints: Object.fromEntries(endpoints.map((name) => [name, url])),
});
const named = (path: string, isLogin: RegExp, read: string): string => (isLogin.test(path) ? loginCall : read);

async function aws(): Promise<StoreServer> {
  const server = await startHostileServer((request) => canned(answerAws(request)));
  const services = ["SECRETSMANAGER", "SSM", "STS"];
  return {
    place: at(
      server.url,
      services.map((service) => `AWS_${service}_ENDPOINT`),
    ),
    calls: () => server.requests.map((request) => awsCall(request) ?? loginCall),
  };
}

/** By kind; the argument is how many identities there will be. */
export const startServers: Record<BenchedName, (identities: number) => Promise<StoreServer>> = {
  async vault() {
    const server = await startVaultServer();
    server.policy("app", ["secret/data/*"]);
    server.role("kubernetes", account.name, { policies: ["app"] });
    for (const n of all) server.put(`secret/${secretName(n)}`, { value: valueOf(n) });
    return {
      place: at(server.url),
      calls: () => server.requests.map(({ path }) => named(path, /^auth\//, "read")),
    };
  },
  aws_secrets_manager: aws,
  aws_parameter_store: aws,
  async gcp(identities) {
    const [secrets, people, issuer] = [createGcpSecrets(), createGcpIdentities(), await createTokenIssuer()];
    const audience = `https:${poolAudience}`;
    const { jwks, issuer: name } = issuer;
    people.trust({ audience: poolAudience, jwks, issuer: name, tokenAudiences: [audience], principal: (who) => who });
    for (const n of all) secrets.set(secretName(n), { versions: [valueOf(n)] });
    const server = await startGcpRest(secrets, people);
    const tokens = await Promise.all(
      Array.from({ length: identities }, (_, i) =>
        issuer.sign(
          { namespace: `team-${i}`, serviceAccountName: account.name, serviceAccountUid: `uid-${i}` },
          { audience },
        ),
      ),
    );
    return {
      place: {
        ...at(server.url, ["CLOUDSDK_API_ENDPOINT_OVERRIDES_SECRETMANAGER", "CLOUDSDK_API_ENDPOINT_OVERRIDES_STS"]),
        tokens,
      },
      calls: () => server.requests.map(({ path }) => named(path, /^\/v1\/token$/, "AccessSecretVersion")),
    };
  },
  async azure() {
    const server = await startFakeAzure();
    for (const n of all)
      server.objects.set(`secrets/${secretName(n)}`, [{ id: idOf("1"), content: { value: valueOf(n) } }]);
    return {
      place: at(server.url),
      calls: () => server.requests.map(({ path }) => named(path, /\/oauth2\//, "GetSecret")),
    };
  },
  async onepassword(identities) {
    const server = await startConnect();
    const vault = server.vault("prod");
    for (let first = 0; first < refs; first += fieldsOfItem)
      server.put(vault, {
        title: secretName(first / fieldsOfItem),
        fields: all
          .slice(first, first + fieldsOfItem)
          .map((n, i) => ({ id: `f${i}`, label: `field-${i}`, value: valueOf(n) })),
      });
    for (let i = 0; i < identities; i++) server.grant(credentialOf(i), vault);
    return {
      place: at(server.url),
      calls: () =>
        server.requests.map(({ path }) =>
          named(path, /^\/v1\/vaults$/, /\/items\/\w+$/.test(path) ? "GetItem" : "GetItems"),
        ),
    };
  },
  async doppler(identities) {
    const server = await startDoppler();
    server.put("shop/prod", Object.fromEntries(all.map((n) => [upperName(n), valueOf(n)])));
    for (let i = 0; i < identities; i++) server.token(credentialOf(i), ["shop/prod"]);
    return {
      place: at(server.url, ["DOPPLER_BASE_URL"]),
      calls: () => server.requests.map(({ status }) => (status === 304 ? "not modified" : "download")),
    };
  },
  async akeyless() {
    const server = await startAkeyless(systemClock);
    server.accounts.push({ accessId: "p-1", shows: {}, reads: "/" });
    for (const n of all) server.items.set(`/${secretName(n)}`, { type: "STATIC_SECRET", versions: [valueOf(n)] });
    return {
      place: at(server.url),
      calls: () => server.asked.map(({ operation }) => named(operation, /^auth$/, operation)),
    };
  },
  async webhook() {
    const value = ({ path }: ReceivedRequest): string => valueOf(Number(path.split("-").at(-1)));
    const server = await startHostileServer((request) =>
      canned({
        status: 200,
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ value: value(request) }),
      }),
    );
    return { place: at(server.url), calls: () => server.requests.map(({ method }) => method) };
  },
  async kubernetes() {
    const server = await startKubeServer();
    for (const n of all)
      server.put(
        { group: "", plural: "secrets" },
        {
          apiVersion: "v1",
          kind: "Secret",
          metadata: { name: secretName(n), namespace: "shop" },
          data: { value: Buffer.from(valueOf(n)).toString("base64") },
        },
      );
    return { place: at(server.url), calls: () => server.requests.map(({ verb }) => verb) };
  },
};

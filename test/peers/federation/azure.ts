/** Workload identity: Entra verifies the client assertion by an application's federated credential; all over TLS. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeCertificate } from "../../fakes/certificate.ts";
import { createFakeAzure, type FederatedCredential, idOf, vaultResource } from "../../stores/azure/fake-azure.ts";
import type { AccountName, Federation } from "./federation.ts";
import { subjectOf } from "./federation.ts";
import type { ServiceAccountKeys } from "./keys.ts";

const audience = "api://AzureADTokenExchange";
const clientOf = ({ namespace, name }: AccountName): string => `client-${namespace}-${name}`;

export async function startFederatedAzure(): Promise<Federation> {
  let keys: ServiceAccountKeys | undefined;
  const credentials = new Map<string, FederatedCredential>();
  const fake = createFakeAzure({ federation: (clientId) => credentials.get(clientId) });
  fake.objects.set("secrets/db", [{ id: idOf("1"), content: { value: "for {who}" } }]);

  const life = { notBeforeMs: Date.now() - 60_000, notAfterMs: Date.now() + 3_600_000 };
  const authority = makeCertificate({ name: "azure of the tests", isAuthority: true, ...life });
  const serving = makeCertificate({ name: "vault", subjects: ["127.0.0.1"], issuer: authority, ...life });
  const server = createServer({ cert: serving.certificate, key: serving.key }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url: path = "/" } = request;
      const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
      const {
        status,
        headers: answered,
        body,
      } = fake.answer({ method, path, headers, body: Buffer.concat(chunks).toString("utf8") }, url);
      response.writeHead(status, answered).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = await mkdtemp(join(tmpdir(), "keyferry-azure-"));
  await writeFile(join(folder, "ca.pem"), authority.certificate);
  return {
    name: "Azure, workload identity",
    audience,
    // The system's roots, as an admin adds one to them.
    env: { NODE_EXTRA_CA_CERTS: join(folder, "ca.pem") },
    trust: (published) => void (keys = published),
    admit(account) {
      const { jwks, issuer } = keys!;
      credentials.set(clientOf(account), { jwks, issuer, audience, subject: subjectOf(account) });
      return {
        "azure.workload.identity/client-id": clientOf(account),
        "azure.workload.identity/tenant-id": "tenant",
      };
    },
    provider: (name, other) => ({
      azurekv: {
        vaultUrl: url,
        authType: "WorkloadIdentity",
        serviceAccountRef: { name, ...(other === undefined ? {} : { audiences: [other] }) },
        environmentType: "AzureStackCloud",
        customCloudConfig: {
          activeDirectoryEndpoint: url,
          keyVaultEndpoint: vaultResource,
          keyVaultDNSSuffix: "127.0.0.1",
        },
      },
    }),
    reads: (account) => ({ key: "db", value: `for ${clientOf(account)}` }),
    // The fake goes on to say which assertion it was.
    told: (value) => value.replace(/@.*$/s, ""),
    knobs: {
      audience: /no federated credential has the token's audience/,
      subject: /no federated credential has the token's subject/,
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true });
    },
  };
}

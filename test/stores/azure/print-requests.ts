/**
 * Logs in every way and reads everything that can be read, and prints what would leave this machine and which files were
 * opened. A program of its own, so that a test can give it an environment.
 */
import { SecretValue } from "../../../plugin/core/secret-value.ts";
import { azurekv } from "../../../plugin/stores/azure/kind.ts";
import type { Proof } from "../../../plugin/stores/contract.ts";
import type { HttpRequest, HttpSend } from "../../../plugin/stores/http.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { facts } from "../facts.ts";
import { noteOpenedFiles } from "../opened-files.ts";
import { createFakeAzure, idOf } from "./fake-azure.ts";
import { byAccount, byMachine, bySecret, forAll, secretsProof, tokenProof } from "./opened.ts";

const openedFiles = noteOpenedFiles();

const sent: object[] = [];
const text = (value: string | SecretValue): string =>
  typeof value === "string" ? value : value.reveal().toString("utf8");
const fake = createFakeAzure({ pageSize: 1 });
for (const [path, content] of Object.entries({ "secrets/db": { value: "v" }, "keys/db": { key: {} }, "secrets/x": {} }))
  fake.objects.set(path, [{ id: idOf("1"), content }]);
fake.objects.set("certificates/db", [{ id: idOf("1"), content: { cer: "MAA=" } }]);

const send: HttpSend = ({ method, url, headers, body }: HttpRequest) => {
  const shown = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, text(value)]));
  const request = { method, path: url.pathname + url.search, headers: shown, body: body ? text(body) : "" };
  sent.push({ ...request, url: url.href });
  const answer = fake.answer(request, url.origin);
  return Promise.resolve({
    status: answer.status,
    headers: { ...answer.headers },
    body: SecretValue.fromText(String(answer.body)),
  });
};

const { signal } = new AbortController();
const logins: readonly (readonly [object, Proof])[] = [
  [byAccount, tokenProof("jwt", "client", "tenant")],
  [bySecret, secretsProof({ clientId: "client", clientSecret: "secret" })],
  [byMachine, secretsProof({})],
];
for (const [block, proof] of logins) {
  const store = azurekv.open({ vaultUrl: "https://shop.vault.azure.net/", ...block }, forAll, {
    clock: new FakeClock(),
    http: () => send,
    watchPath: () => () => undefined,
    plainHttp: false,
    countCall: () => undefined,
  });
  if (!store.ok) throw new Error(JSON.stringify(store.problems));
  const opening = store.value.store;
  const session = await opening.login(proof, signal, facts);
  for (const key of ["db", "key/db", "cert/db"])
    await opening.fetch(opening.locate({ key, metadataPolicy: "None" }), session, signal);
  await opening.find!.list({}, session, signal);
}
process.stdout.write(JSON.stringify({ sent, opened: openedFiles() }));

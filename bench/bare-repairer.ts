/**
 * The least that can undo an edit, to compare with: follows the Secrets with the label `bench=bare` and puts back the
 * password that they must have, with a single write. Arguments: the API server's URL, that password in base64, the folder
 * of a service account. Prints a line once it watches.
 */
import { readFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { join } from "node:path";
import type { KubeObject } from "../test/peers/kube/objects.ts";
import { watchSecrets } from "./watched-secrets.ts";

const [url, password, folder] = process.argv.slice(2) as [string, string, string];
const read = (file: string): string => readFileSync(join(folder, file), "utf8");
const access = { url, authority: read("ca.crt"), token: read("token") };
const agent = new Agent({ keepAlive: true, ca: access.authority });

await watchSecrets(access, "bench=bare", (secret) => {
  if (secret.data?.["password"] !== password) putBack(secret);
});
process.stdout.write("watching\n");

function putBack(secret: KubeObject): void {
  const { namespace, name } = secret.metadata;
  const body = JSON.stringify({ ...secret, data: { ...secret.data, password } });
  const sent = request(`${url}/api/v1/namespaces/${namespace}/secrets/${name}`, {
    method: "PUT",
    agent,
    headers: {
      authorization: `Bearer ${access.token}`,
      "content-type": "application/json",
      "content-length": Buffer.byteLength(body),
    },
  });
  sent.on("response", (answer) => answer.resume());
  sent.end(body);
}

/** One vault: logs in, reads and lists. The SDK is loaded with the first secret that is read. */
import type { SecretValue } from "../../core/secret-value.ts";
import type { Address, FindAbility, FindWish, Located, Session, Store, StoreAnswer, StoreDeps } from "../contract.ts";
import { counted } from "../counted.ts";
import { locate, partsOf } from "./address.ts";
import type { Collection } from "./address.ts";
import { askForResource } from "./challenge.ts";
import type { AzureConfig } from "./config.ts";
import { logIn } from "./login.ts";
import { readCertificate, readKey } from "./objects.ts";
import { listRight, readRefusal, vaultRefusal } from "./refusal.ts";
import { refusing } from "./refused.ts";
import { askVault } from "./vault.ts";
import type { Ask } from "./vault.ts";

export interface AzureSession extends Session {
  /** `Bearer …` */
  readonly authorization: SecretValue;
  /** What the token is for. */
  readonly resource: string;
}

type Read = (vaultUrl: string, located: Located, ask: Ask) => Promise<StoreAnswer>;

const reads: Readonly<Record<Collection, { readonly call: string; readonly read: Read }>> = {
  secrets: { call: "GetSecret", read: async (...given) => (await import("./secrets.ts")).readSecret(...given) },
  keys: { call: "GetKey", read: readKey },
  certificates: { call: "GetCertificate", read: readCertificate },
};

const metadataService = "http://169.254.169.254";

export function createAzureStore(
  config: AzureConfig,
  deps: Pick<StoreDeps, "clock" | "http" | "machineHttp" | "countCall" | "endpoints">,
): Store<AzureSession> {
  const { clock, http, countCall, endpoints = {} } = deps;
  const { vaultUrl, authority, login } = config;
  const send = http({});
  const machine = {
    url: endpoints["AZURE_POD_IDENTITY_AUTHORITY_HOST"] ?? metadataService,
    send: deps.machineHttp ?? send,
  };
  const asking = ({ authorization }: AzureSession, signal: AbortSignal): Ask =>
    askVault({ vaultUrl, authorization, send }, signal);
  /** Said by the vault itself where the block does not. */
  let { resource } = config;

  return {
    proofNeed: login.proof,
    loginRealm: ["azure", authority, login.method].join(" "),
    locate,
    login: (proof, signal) =>
      counted("AcquireToken", countCall, async () => {
        resource ??= await askForResource(vaultUrl, send, signal);
        return { ...(await logIn(config, proof, resource, { send, clock, machine }, signal)), resource };
      }),
    fetch(located, session, signal) {
      const { call, read } = reads[partsOf(located).collection];
      return counted(call, countCall, () =>
        refusing(
          () => read(vaultUrl, located, asking(session, signal)),
          (refused) => readRefusal(refused, located, session.resource, clock),
          signal,
        ),
      );
    },
    find: createFind(vaultUrl, asking, { clock, countCall }),
  };
}

function createFind(
  vaultUrl: string,
  asking: (session: AzureSession, signal: AbortSignal) => Ask,
  { clock, countCall }: Pick<StoreDeps, "clock" | "countCall">,
): FindAbility<AzureSession> {
  return {
    by: ["name", "tags"],
    locate: () => ({ address: "secrets" as Address, method: "GET", arguments: "", version: "" }),
    async list({ name, tags = {} }: FindWish, session, signal) {
      const ask = asking(session, signal);
      const about = { what: "the list of its secrets", right: listRight, resource: session.resource };
      const { listSecrets } = await import("./secrets.ts");
      const listed = await refusing(
        () => listSecrets(vaultUrl, (url) => counted("GetSecrets", countCall, () => ask(url))),
        (refused) => vaultRefusal(refused, about, clock),
        signal,
      );
      return listed
        .filter((one) => one.enabled && (name?.matches(one.name) ?? true))
        .filter((one) => Object.entries(tags).every(([tag, value]) => one.tags[tag] === value))
        .map((one) => ({ name: one.name, key: one.name }));
    },
  };
}

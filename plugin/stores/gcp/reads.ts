/** The calls of Secret Manager that a store makes, and what their answers must hold to be believed. */
import { canonicalJson } from "../../core/canonical-json.ts";
import { SecretValue } from "../../core/secret-value.ts";
import type { Found, FindWish, Located, StoreAnswer } from "../contract.ts";
import { namesIn } from "./address.ts";
import { crc32c } from "./crc32c.ts";
import { answerInvalid } from "./refusal.ts";
import type { ReadCall } from "./refusal.ts";
import type { CallOptions, SecretManagerServiceClient } from "./sdk.ts";

/** Makes one call in a session's name, and counts it. */
export type MakeCall = <T>(
  call: ReadCall,
  work: (client: SecretManagerServiceClient, options: CallOptions) => Promise<T>,
) => Promise<{ readonly answer: T; readonly id: string }>;

type Where = Pick<Located, "address" | "version">;

/** Secrets or versions in one answer of a listing; Google allows 25,000. */
const pageSize = 1_000;

export async function readVersion({ address, version }: Where, make: MakeCall): Promise<StoreAnswer> {
  const call = {
    name: "AccessSecretVersion",
    right: "secretmanager.versions.access",
    about: address,
    version,
  } as const;
  const name = `${address}/versions/${version || "latest"}`;
  const { answer, id } = await make(call, async (client, options) => {
    const [found] = await client.accessSecretVersion({ name }, options);
    return found;
  });
  const names = namesIn(answer.name ?? "");
  if (names?.secret !== namesIn(address)?.secret || !/^\d+$/.test(names?.version ?? ""))
    throw answerInvalid("another secret than was asked for");
  if (/^\d+$/.test(version) && names!.version !== version) throw answerInvalid("another version than was asked for");
  const data = answer.payload?.data;
  if (!(data instanceof Uint8Array)) throw answerInvalid("no payload");
  const checksum = answer.payload?.dataCrc32c ?? undefined;
  if (checksum !== undefined && String(checksum) !== String(crc32c(data)))
    throw answerInvalid("a payload that its checksum does not fit");
  return { value: new SecretValue(data), version: names!.version!, requestId: id };
}

/** Annotations and labels as one JSON object; those with a dot in their key a second time, beside the two. */
export async function readMetadata({ address }: Where, make: MakeCall): Promise<StoreAnswer> {
  const call = { name: "GetSecret", right: "secretmanager.secrets.get", about: address, version: "" } as const;
  const { answer, id } = await make(call, async (client, options) => {
    const [found] = await client.getSecret({ name: address }, options);
    return found;
  });
  if (namesIn(answer.name ?? "")?.secret !== namesIn(address)?.secret)
    throw answerInvalid("another secret than was asked for");
  const { annotations, labels } = answer;
  const told = { annotations: annotations ?? {}, labels: labels ?? {} };
  // `property: annotations.team.owner` is a path to an annotation `team.owner` in ESO, and nowhere else.
  const dotted = Object.entries(told).flatMap(([group, members]) =>
    Object.entries(members).flatMap(([key, text]) => (key.includes(".") ? [[`${group}.${key}`, text] as const] : [])),
  );
  const json = canonicalJson({ ...told, ...Object.fromEntries(dotted) });
  return { value: SecretValue.fromText(json), version: "", requestId: id };
}

/** The number of the newest version that is enabled; undefined when none is. */
export async function newestEnabled({ address }: Where, make: MakeCall): Promise<string | undefined> {
  const call = {
    name: "ListSecretVersions",
    right: "secretmanager.versions.list",
    about: address,
    version: "",
  } as const;
  let newest = 0n;
  await eachPage(async (pageToken) => {
    const asked = { parent: address, filter: "state:ENABLED", pageSize, pageToken };
    const { answer } = await make(call, async (client, options) => client.listSecretVersions(asked, options));
    const [versions, , page] = answer;
    for (const { name } of versions) {
      const number = namesIn(name ?? "")?.version ?? "";
      if (!/^\d{1,19}$/.test(number)) throw answerInvalid("a version without a number");
      // Numbers are given in the order in which versions are made.
      if (BigInt(number) > newest) newest = BigInt(number);
    }
    return page?.nextPageToken ?? "";
  });
  return newest === 0n ? undefined : String(newest);
}

/** `parent`: the project, or its part in a region. */
export async function listSecrets(parent: string, wish: FindWish, make: MakeCall): Promise<readonly Found[]> {
  const call = { name: "ListSecrets", right: "secretmanager.secrets.list", about: parent, version: "" } as const;
  const { path = "", name, tags = {} } = wish;
  const wanted = Object.entries(tags);
  const filter = [...wanted.map(([key, value]) => `labels.${key}=${value}`), ...(path ? [`name:${path}`] : [])].join(
    " ",
  );
  const found: Found[] = [];
  await eachPage(async (pageToken) => {
    const asked = { parent, filter, pageSize, pageToken };
    const { answer } = await make(call, async (client, options) => client.listSecrets(asked, options));
    const [secrets, , page] = answer;
    for (const { name: resource, labels } of secrets) {
      const names = namesIn(resource ?? "");
      if (!names || names.version !== undefined) throw answerInvalid("a secret without a name");
      // The server's filter for names finds the text anywhere in them.
      const isWanted = names.secret.startsWith(path) && wanted.every(([key, value]) => labels?.[key] === value);
      if (isWanted && (name?.matches(names.secret) ?? true)) found.push({ name: names.secret, key: names.secret });
    }
    return page?.nextPageToken ?? "";
  });
  return found;
}

/** Until a page names no next one. */
async function eachPage(take: (pageToken: string) => Promise<string>): Promise<void> {
  for (let token = "", next = ""; ; token = next) {
    next = await take(token);
    if (next === "") return;
    if (next === token) throw answerInvalid("the same page again");
  }
}

/** Finds an item in the vaults, in their order, and brings what is wanted of it. */
import { Failure } from "../../core/failure.ts";
import type { SecretValue } from "../../core/secret-value.ts";
import type { Located, StoreAnswer } from "../contract.ts";
import { answerLimitBytes } from "../http-body.ts";
import { isWantedFile, wantedOf } from "./address.ts";
import type { WantedFile } from "./address.ts";
import type { ListedItem, Vault } from "./answer.ts";
import type { ReadItem } from "./calls.ts";
import { isId } from "./config.ts";
import { keepItem } from "./kept-item.ts";
import type { ConnectSession } from "./login.ts";
import { fileValue, isDocument, wantedFiles } from "./part.ts";

/** Where an item is; `read` where finding it took reading it. */
interface Place {
  readonly vault: Vault;
  readonly id: string;
  readonly version: string;
  readonly read?: ReadItem;
}

/** As a Store's `fetch`. An item is read whole, with the files of a document; a file that is wanted by itself alone. */
export async function fetchItem(located: Located, session: ConnectSession, signal: AbortSignal): Promise<StoreAnswer> {
  return bring(await find(located, session, signal), located, session, signal);
}

/** As a Store's `refetch`: a listing tells an item's version for less than the item. */
export async function refetchItem(
  located: Located,
  validator: string,
  session: ConnectSession,
  signal: AbortSignal,
): Promise<StoreAnswer | "unchanged"> {
  const place = await find(located, session, signal);
  return validatorOf(place) === validator ? "unchanged" : bring(place, located, session, signal);
}

/** The one item of this title; undefined when there is none. Throws Failure `answer_invalid` when there are several. */
export function titled(items: readonly ListedItem[], title: string, vault: Vault): ListedItem | undefined {
  // Whatever Connect holds for equal: an item of another title is another address.
  const [first, ...others] = items.filter((item) => item.title === title);
  if (others.length === 0) return first;
  throw new Failure(
    "answer_invalid",
    `vault ${JSON.stringify(vault.name)} has more than one item titled ${JSON.stringify(title)} (${others.length + 1}): rename them, or use the id as key`,
  );
}

async function find(
  { address }: Located,
  { calls, listings, vaults }: ConnectSession,
  signal: AbortSignal,
): Promise<Place> {
  for (const vault of vaults) {
    if (isId(address)) {
      const read = await calls.item(vault, address, signal);
      if (read) return { vault, id: address, version: read.item.version, read };
    } else {
      const listed = titled(await listings.withTitle(vault, address, signal), address, vault);
      if (listed) return { vault, id: listed.id, version: listed.version };
    }
  }
  throw notFound(address, vaults);
}

async function bring(
  place: Place,
  located: Located,
  { calls, vaults }: ConnectSession,
  signal: AbortSignal,
): Promise<StoreAnswer> {
  const { vault, id } = place;
  const read = place.read ?? (await calls.item(vault, id, signal));
  if (!read) throw notFound(located.address, vaults);
  const { item, request } = read;
  const wanted = wantedOf(located);
  const download = (file: { readonly id: string }): Promise<SecretValue> =>
    contentOf(calls.file(vault, id, file.id, signal), located);
  const value = isWantedFile(wanted)
    ? await ownFile(item.files, wanted, located, download)
    : keepItem(item, isDocument(item) ? await allOf(item.files, download, located) : []);
  const validator = validatorOf({ vault, id, version: item.version });
  return { value, version: item.version, ...request, ...(validator === undefined ? {} : { validator }) };
}

async function ownFile<F extends { readonly name: string }>(
  files: readonly F[],
  wanted: WantedFile,
  located: Located,
  download: (file: F) => Promise<SecretValue>,
): Promise<SecretValue> {
  const taken = wantedFiles(files, wanted, located);
  const contents = await allOf(taken, download, located);
  const named = contents.map((content, i) => ({ name: taken[i]!.name, bytes: content.reveal() }));
  return fileValue(named, wanted, located);
}

/** One after the other, so that what is too much together is noticed before all of it is here. */
async function allOf<F>(
  files: readonly F[],
  download: (file: F) => Promise<SecretValue>,
  { address }: Located,
): Promise<readonly SecretValue[]> {
  const contents: SecretValue[] = [];
  let bytes = 0;
  for (const file of files) {
    const content = await download(file);
    bytes += content.byteLength;
    if (bytes > answerLimitBytes)
      throw new Failure(
        "answer_too_large",
        `the files of the item ${JSON.stringify(address)} are larger than ${answerLimitBytes} bytes together; read them one by one, with property file/NAME`,
      );
    contents.push(content);
  }
  return contents;
}

async function contentOf(content: Promise<SecretValue | undefined>, { address }: Located): Promise<SecretValue> {
  const found = await content;
  if (found) return found;
  // Connect lists a file before it has it.
  throw new Failure(
    "store_error",
    `1Password Connect does not have a file of the item ${JSON.stringify(address)} although it lists it (404): it may still be syncing`,
  );
}

/** Undefined where the store tells no version. */
function validatorOf({ vault, id, version }: Omit<Place, "read">): string | undefined {
  return version === "" ? undefined : `${vault.id}/${id}@${version}`;
}

function notFound(address: string, vaults: readonly Vault[]): Failure {
  const names = vaults.map(({ name }) => JSON.stringify(name)).join(", ");
  const what = isId(address) ? "with the id" : "titled";
  return new Failure(
    "ref_not_found",
    `no item ${what} ${JSON.stringify(address)} is in the vaults of this store (${names})`,
  );
}

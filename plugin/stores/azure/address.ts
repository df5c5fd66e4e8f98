/**
 * From a remoteRef to the one address that goes on the wire: `secrets/NAME`, `keys/NAME` or `certificates/NAME`.
 *
 * Azure takes names in any case for one; they stay as written, so that rules of a policy match what manifests say.
 */
import { Failure } from "../../core/failure.ts";
import type { Address, Located, Ref } from "../contract.ts";

/** What `arguments` holds for a read of tags and dates in place of the value. */
export const metadataArgument = "metadata";

/**
 * Forms of a value as a file, which `Ref.form` and then `arguments` hold: PEM, where the object is a key or certificate, or
 * a secret that holds one as PFX; or such a secret as it is.
 */
export const pemForm = "pem";
export const pfxForm = "pfx";

/** By the prefix of a key. */
const collections = { secret: "secrets", key: "keys", cert: "certificates" } as const;
export type Collection = (typeof collections)[keyof typeof collections];

/** Throws Failure `ref_invalid`. */
export function locate({ key, version = "", metadataPolicy, form }: Ref): Located {
  const slash = key.indexOf("/");
  const prefix = slash < 0 ? "secret" : key.slice(0, slash);
  if (!isPrefix(prefix))
    throw new Failure("ref_invalid", `the key must be a name, or one behind ${Object.keys(collections).join("/, ")}/`);
  const name = key.slice(slash + 1);
  if (!/^[0-9A-Za-z-]{1,127}$/.test(name))
    throw new Failure(
      "ref_invalid",
      "the key's name must have 1 to 127 letters, digits and dashes: no other is in a vault",
    );
  if (!/^[0-9A-Za-z]{0,64}$/.test(version))
    throw new Failure("ref_invalid", "version must be the 32 letters and digits of a version's id");
  if (form !== undefined && form !== pemForm && (form !== pfxForm || prefix !== "secret"))
    throw new Failure("ref_invalid", "the form must be pem, or pfx for a secret");
  // A secret has two: as it is, which pfx means too, and as PEM.
  const wanted = form === pemForm ? pemForm : "";
  return {
    address: `${collections[prefix]}/${name}` as Address,
    method: "GET",
    arguments: metadataPolicy === "Fetch" ? metadataArgument : wanted,
    version,
  };
}

export interface Addressed {
  readonly collection: Collection;
  readonly name: string;
}

export function partsOf({ address }: Located): Addressed {
  const [collection, name] = address.split("/") as [Collection, string];
  return { collection, name };
}

function isPrefix(prefix: string): prefix is keyof typeof collections {
  return Object.hasOwn(collections, prefix);
}

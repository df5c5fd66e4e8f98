/** Private keys as PEM: PKCS#8, or the traditional form of their kind. */
import { createPublicKey } from "node:crypto";
import type { KeyObject } from "node:crypto";
import type { Meter } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";
import { bitsOf, DerReader, tags } from "./der-read.ts";
import { element, integer, sequence } from "./der-write.ts";
import type { PrivateKey } from "./keys-parse.ts";
import { pemText } from "./pem-blocks.ts";

/** x509.MarshalPKCS8PrivateKey */
export const pkcs8Of = ({ key }: PrivateKey): Buffer => key.export({ format: "der", type: "pkcs8" });

export const publicKeyOf = ({ key }: PrivateKey): KeyObject => createPublicKey(key);

export const spkiOf = (key: KeyObject): Buffer => key.export({ format: "der", type: "spki" });

/** Version, p, q, g, y, x. */
function dsaForm(key: PrivateKey): Buffer {
  const info = new DerReader(pkcs8Of(key)).inside()!;
  info.integer();
  const algorithm = info.inside()!;
  algorithm.oid();
  const parameters = algorithm.content(tags.sequence)!;
  const x = new DerReader(info.content(tags.octetString)!).element(tags.integer)!.whole;
  const spki = new DerReader(spkiOf(publicKeyOf(key))).inside()!;
  spki.element();
  const y = bitsOf(spki.content(tags.bitString))!;
  return sequence(integer(0), parameters, element(tags.integer, new DerReader(y).content(tags.integer)!), x);
}

/** sprig's choice of form: the traditional one where there is one. */
export function keyPem(meter: Meter, key: PrivateKey): GoString {
  switch (key.kind) {
    case "rsa":
      return pemText(meter, ascii("RSA PRIVATE KEY"), key.key.export({ format: "der", type: "pkcs1" }));
    case "ec":
      return pemText(meter, ascii("EC PRIVATE KEY"), key.key.export({ format: "der", type: "sec1" }));
    case "dsa":
      return pemText(meter, ascii("DSA PRIVATE KEY"), dsaForm(key));
    default:
      return pemText(meter, ascii("PRIVATE KEY"), pkcs8Of(key));
  }
}

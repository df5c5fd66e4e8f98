/** X.509 certificates for TLS tests, made on the spot: as short-lived, misnamed or untrusted as a test wants them. */
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { isIPv4 } from "node:net";

export interface CertificateWish {
  readonly name: string;
  /** The subject's O, which a Kubernetes API server reads as the client's group. */
  readonly organization?: string;
  /** DNS names and IPv4 addresses. */
  readonly subjects?: readonly string[];
  /** Epoch milliseconds. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** Signs itself unless given. */
  readonly issuer?: Certificate;
  readonly isAuthority?: boolean;
  /** In place of an elliptic key. Needs an issuer, who signs. */
  readonly rsaBits?: number;
}

export interface Certificate {
  readonly name: string;
  /** PEM. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
  readonly privateKey: KeyObject;
}

export function makeCertificate(wish: CertificateWish): Certificate {
  const { privateKey, publicKey } =
    wish.rsaBits === undefined
      ? generateKeyPairSync("ec", { namedCurve: "P-256" })
      : generateKeyPairSync("rsa", { modulusLength: wish.rsaBits });
  const signer = wish.issuer?.privateKey ?? privateKey;
  const extensions = [
    extension("551d13", sequence(...(wish.isAuthority ? [der(0x01, Buffer.from([0xff]))] : []))),
    ...(wish.subjects ? [extension("551d11", sequence(...wish.subjects.map(alternativeName)))] : []),
  ];
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    distinguishedName(wish.issuer?.name ?? wish.name),
    sequence(time(wish.notBeforeMs), time(wish.notAfterMs)),
    distinguishedName(wish.name, wish.organization),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(...extensions)),
  );
  const whole = sequence(toBeSigned, ecdsaWithSha256, bits(sign("sha256", toBeSigned, signer)));
  const lines = whole.toString("base64").match(/.{1,64}/g)!;
  return {
    name: wish.name,
    certificate: `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    privateKey,
  };
}

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...members: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(members));
}

function identifier(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, "hex"));
}

function bits(content: Buffer): Buffer {
  return der(0x03, Buffer.concat([Buffer.from([0]), content]));
}

/** 1.2.840.10045.4.3.2 */
const ecdsaWithSha256 = sequence(identifier("2a8648ce3d040302"));

function distinguishedName(name: string, organization?: string): Buffer {
  const part = (hex: string, text: string): Buffer =>
    der(0x31, sequence(identifier(hex), der(0x0c, Buffer.from(text))));
  return sequence(...(organization === undefined ? [] : [part("55040a", organization)]), part("550403", name));
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, "");
  return der(0x18, Buffer.from(digits));
}

function extension(hex: string, value: Buffer): Buffer {
  return sequence(identifier(hex), der(0x04, value));
}

function alternativeName(subject: string): Buffer {
  return isIPv4(subject) ? der(0x87, Buffer.from(subject.split(".").map(Number))) : der(0x82, Buffer.from(subject));
}

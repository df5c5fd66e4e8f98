/** `caBundle`: base64 of one or more PEM certificates, as ESO has it. */
import { X509Certificate } from "node:crypto";
import type { Parsed } from "../../manifests/objects.ts";

const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificates as PEM, free of comments; empty when the field is. */
export function readCaBundle(caBundle: string): Parsed<string> {
  if (caBundle === "") return { ok: true, value: "" };
  if (caBundle.includes("-----BEGIN")) return problem("holds PEM itself; write the base64 of the PEM file");
  const base64 = caBundle.replace(/[\r\n]/g, "");
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return problem("is not base64");
  const found = Buffer.from(base64, "base64").toString("latin1").match(certificate);
  if (!found) return problem("holds no certificate; write the base64 of a PEM file with at least one");
  const unreadable = found.findIndex((pem) => !readable(pem));
  if (unreadable >= 0) return problem(`certificate ${unreadable + 1} of ${found.length} cannot be read`);
  return { ok: true, value: found.join("\n") };
}

function problem(what: string): Parsed<string> {
  return { ok: false, problems: [{ path: "caBundle", problem: what }] };
}

function readable(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

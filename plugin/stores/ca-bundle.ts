/**
 * The CA that a server is verified with, as ESO's blocks give it: `caBundle`, base64 of PEM in the store itself, or
 * `caProvider`, PEM in a Secret or ConfigMap.
 */
import { X509Certificate } from "node:crypto";
import * as v from "valibot";
import { Failure } from "../core/failure.ts";
import { isDnsLabel, isDnsSubdomain } from "../core/names.ts";
import type { SecretValue } from "../core/secret-value.ts";
import type { Parsed, Problem } from "../manifests/objects.ts";
import type { SecretKeyRef, StoreContext } from "./contract.ts";
import { block, namespaceProblem, text, toSecretKeyRef } from "./provider-block.ts";

/** ESO's CAProvider. */
export const caProvider = block({
  type: v.picklist(["Secret", "ConfigMap"], "must be Secret or ConfigMap"),
  name: v.pipe(text, v.check(isDnsSubdomain, "is not a name that an object can have")),
  key: text,
  namespace: v.optional(v.pipe(text, v.check(isDnsLabel, "is not a name that a namespace can have"))),
});

interface CaFields {
  readonly caBundle?: string | undefined;
  readonly caProvider?: v.InferOutput<typeof caProvider> | undefined;
}

/** PEM that is known already, or where the proof will have it; neither = the system's roots. */
export interface CaSource {
  readonly pem?: string;
  readonly ref?: SecretKeyRef;
}

const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** `root` is the path of the block, for the reference: `spec.provider.webhook`. Paths in problems start at the block. */
export function readCaSource(given: CaFields, root: string, context: StoreContext): Parsed<CaSource> {
  const { caBundle = "", caProvider: provider } = given;
  if (!provider) {
    const pem = readCaBundle(caBundle);
    return pem.ok ? { ok: true, value: pem.value === "" ? {} : { pem: pem.value } } : pem;
  }
  if (caBundle !== "") return fail({ path: "caProvider", problem: "stands beside caBundle; keep one of them" });
  const foreign = namespaceProblem("caProvider", provider, context);
  if (foreign) return fail(foreign);
  const ref = toSecretKeyRef(`${root}.caProvider`, provider, context);
  return { ok: true, value: { ref: provider.type === "ConfigMap" ? { ...ref, kind: "ConfigMap" } : ref } };
}

/** The certificates of `caBundle` as PEM, free of comments; empty when the field is. */
export function readCaBundle(caBundle: string): Parsed<string> {
  if (caBundle === "") return { ok: true, value: "" };
  const problem = (what: string): Parsed<string> => fail({ path: "caBundle", problem: what });
  if (caBundle.includes("-----BEGIN")) return problem("holds PEM itself; write the base64 of the PEM file");
  const base64 = caBundle.replace(/[\r\n]/g, "");
  if (base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return problem("is not base64");
  const found = certificatesIn(Buffer.from(base64, "base64"));
  return found.ok ? { ok: true, value: found.pem } : problem(found.problem);
}

/** The PEM that a proof brought for `ref`. Throws Failure `store_invalid` when that is no certificate. */
export function caOfProof(shown: SecretValue, ref: SecretKeyRef): string {
  const found = certificatesIn(shown.reveal());
  if (found.ok) return found.pem;
  const { field } = ref;
  throw new Failure("store_invalid", `${field}: "${ref.name}" key "${ref.key}" ${found.problem}`, { field });
}

type Certificates = { readonly ok: true; readonly pem: string } | { readonly ok: false; readonly problem: string };

function certificatesIn(file: Buffer): Certificates {
  const found = file.toString("latin1").match(certificate);
  if (!found) return { ok: false, problem: "holds no certificate; it takes a PEM file with at least one" };
  const unreadable = found.findIndex((pem) => !readable(pem));
  if (unreadable >= 0) return { ok: false, problem: `certificate ${unreadable + 1} of ${found.length} cannot be read` };
  return { ok: true, pem: found.join("\n") };
}

function readable(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function fail(problem: Problem): { ok: false; problems: [Problem] } {
  return { ok: false, problems: [problem] };
}

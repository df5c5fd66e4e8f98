/**
 * Classes written for Akeyless's own CSI provider: which account and login their parameters mean, and which file each
 * object makes.
 */
import { SecretValue } from "../../core/secret-value.ts";
import type { Parsed } from "../../manifests/objects.ts";
import { parsedOr } from "../../manifests/object-meta.ts";
import type { ClassDialect, ClassRequest, DialectFile, DialectSurroundings } from "../class-dialect.ts";
import { byParameter, checkPaths, createDialectReader, locateProblem } from "../dialect.ts";
import type { DialectEntry, DialectReader } from "../dialect.ts";
import { publishedSecret } from "../provider-block.ts";
import { locate } from "./address.ts";
import { parseAkeylessBlock } from "./block.ts";

const urlVariable = "AKEYLESS_URL";
const keyParameter = "akeylessAccessKey";
/** They show what a cloud says of this machine, or a token that only one can use. */
const notYet = ["aws_iam", "azure_ad", "gcp", "universal_identity"];

export const akeylessDialect: ClassDialect = { provider: "akeyless", environment: [urlVariable], parse };

const parameterOf = {
  akeylessGWApiURL: "akeylessGatewayURL",
  "authSecretRef.accessKey.accessID": "akeylessAccessID",
  "authSecretRef.kubernetesAuth.accessID": "akeylessAccessID",
  "authSecretRef.kubernetesAuth.k8sConfName": "akeylessK8sAuthConfigName",
};

function parse(parameters: Readonly<Record<string, string>>, surroundings: DialectSurroundings): Parsed<ClassRequest> {
  const read = createDialectReader(parameters);
  const { environment = {}, namespace } = surroundings;
  const url = read.text("akeylessGatewayURL") || (environment[urlVariable] ?? "");
  const login = readLogin(read, surroundings);
  const block = { ...(url === "" ? {} : { akeylessGWApiURL: url }), authSecretRef: login };
  // What the login lacks is told once, and before. Whether plain http will do is for whoever opens the block.
  if (login)
    for (const { path, problem } of byParameter(
      parseAkeylessBlock(block, { scope: "SecretStore", name: "", namespace }, true),
      parameterOf,
    ))
      read.report(path, problem);
  const entries = read.entries("objects");
  const files = entries.map((entry) => readObject(entry, read, surroundings));
  checkPaths(
    files.map(({ path }, i) => ({ at: `${entries[i]!.at}.fileName`, path })),
    read.report,
  );
  const key = login?.accessKey ? read.text(keyParameter) : "";
  return parsedOr<ClassRequest>(read.problems, () => ({
    block,
    files,
    ...(key === "" ? {} : { secrets: { [keyParameter]: SecretValue.fromText(key) } }),
  }));
}

interface Login {
  readonly accessKey?: unknown;
  readonly kubernetesAuth?: unknown;
}

/** Undefined after a problem. */
function readLogin(read: DialectReader, { secretKeys }: DialectSurroundings): Login | undefined {
  const accessID = read.required("akeylessAccessID", "is missing; name the access id, as in p-1a2b3c4d5e6f");
  const type = read.text("akeylessAccessType") || "access_key";
  switch (type) {
    case "access_key":
    case "api_key": {
      const hasKey = read.text(keyParameter) !== "" || secretKeys.includes(keyParameter);
      if (!hasKey)
        read.report(keyParameter, `is missing; put it under ${keyParameter} into the Secret of nodePublishSecretRef`);
      const secretRef = { name: publishedSecret, key: keyParameter };
      return accessID !== "" && hasKey ? { accessKey: { accessID, secretRef } } : undefined;
    }
    case "k8s": {
      const name = "akeylessK8sAuthConfigName";
      const k8sConfName = read.required(name, "is missing; name the Kubernetes auth config of the gateway");
      return accessID !== "" && k8sConfName !== "" ? { kubernetesAuth: { accessID, k8sConfName } } : undefined;
    }
  }
  const known = notYet.includes(type) ? "is not supported yet" : "is none that is known";
  read.report("akeylessAccessType", `${known}; use access_key or k8s, or keep this class with its present provider`);
  return undefined;
}

function readObject(entry: DialectEntry, read: DialectReader, { filePermission }: DialectSurroundings): DialectFile {
  const key = entry.required("secretPath", "is missing; name the item, as in /payments/db");
  const path = entry.required("fileName", "is missing; name the file");
  const ref = { key, metadataPolicy: "None" } as const;
  const problem = key === "" ? undefined : locateProblem(() => locate(ref));
  if (problem) read.report(`${entry.at}.secretPath`, problem);
  return {
    path,
    mode: filePermission,
    ref,
    part: { kind: "whole" },
    encoding: "utf-8",
    object: { id: `${path}:${key}`, version: "store" },
  };
}

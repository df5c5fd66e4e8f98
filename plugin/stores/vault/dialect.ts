/**
 * Classes written for the CSI providers of Vault and OpenBao: which server and login their parameters mean, and which
 * file each object makes.
 */
import { parsedOr } from "../../manifests/object-meta.ts";
import type { ClassDialect, ClassRequest, DialectFile, DialectPath, DialectSurroundings } from "../class-dialect.ts";
import { byParameter, checkPaths, createDialectReader, fileNameProblem, locateProblem } from "../dialect.ts";
import type { DialectEntry, DialectReader } from "../dialect.ts";
import { dataForm, locateApi, passingMembers, responseForm } from "./api-read.ts";
import { parseVaultBlock } from "./block.ts";

interface Spelling {
  readonly provider: string;
  /** What names of parameters begin with; the first is the provider's own, the others are known from its past. */
  readonly prefixes: readonly [string, ...string[]];
  /** What its variables begin with. */
  readonly variables: string;
  readonly audience: string;
}

type Named = (suffix: string) => { readonly name: string; readonly value: string };

const defaultMount = "kubernetes";
const byStore = "mount through provider keyferry with a SecretStore that has";

export const vaultDialect = dialectOf({
  provider: "vault",
  prefixes: ["vault"],
  variables: "VAULT",
  audience: "vault",
});
export const openBaoDialect = dialectOf({
  provider: "openbao",
  prefixes: ["openbao", "bao", "vault"],
  variables: "BAO",
  audience: "openbao",
});

function dialectOf(spelling: Spelling): ClassDialect {
  const { provider, variables } = spelling;
  return {
    provider,
    environment: [`${variables}_ADDR`, `${variables}_NAMESPACE`],
    parse(parameters, surroundings) {
      const read = createDialectReader(parameters);
      const named = namedBy(spelling, read);
      const block = readBlock(spelling, named, read, surroundings);
      const paths = readPaths(named, read);
      const entries = read.entries("objects");
      const files = entries.map((entry) => readObject(entry, read, surroundings));
      checkPaths(
        files.map(({ path }, i) => ({ at: `${entries[i]!.at}.objectName`, path })),
        read.report,
      );
      return parsedOr<ClassRequest>(read.problems, () => ({ block, files, ...(paths.length > 0 ? { paths } : {}) }));
    },
  };
}

function namedBy({ prefixes }: Spelling, read: DialectReader): Named {
  return (suffix) => {
    const given = prefixes.map((prefix) => prefix + suffix).filter((name) => read.text(name) !== "");
    const [name = prefixes[0] + suffix, ...others] = given;
    for (const other of others) read.report(other, `says the same as ${name}; keep one of the two`);
    return { name, value: read.text(name) };
  };
}

function readBlock(
  { variables, audience }: Spelling,
  named: Named,
  read: DialectReader,
  { environment = {}, namespace, serviceAccountName }: DialectSurroundings,
): unknown {
  const role = read.required("roleName", "is missing; name the role of the auth mount to log in by");
  const address = named("Address");
  const server = address.value || (environment[`${variables}_ADDR`] ?? "");
  if (server === "") read.report(address.name, "is missing; name the server, as in https://vault.example.com:8200");
  const ownNamespace = named("Namespace");
  const byKubernetes = named("KubernetesMountPath");
  const mount = named("AuthMountPath");
  if (byKubernetes.value !== "" && mount.value !== "")
    read.report(mount.name, `does not go with ${byKubernetes.name}, which says the same; keep one of the two`);
  refuseTls(named, server, read);
  const vaultNamespace = ownNamespace.value || (environment[`${variables}_NAMESPACE`] ?? "");
  const audiences = [read.text("audience") || audience];
  const block = {
    server,
    version: "v1",
    ...(vaultNamespace === "" ? {} : { namespace: vaultNamespace }),
    auth: {
      kubernetes: {
        mountPath: mount.value || byKubernetes.value || defaultMount,
        role,
        serviceAccountRef: { name: serviceAccountName, audiences },
      },
    },
  };
  const parameterOf = {
    server: address.name,
    namespace: ownNamespace.name,
    "auth.kubernetes.mountPath": mount.value === "" ? byKubernetes.name : mount.name,
    "auth.kubernetes.role": "roleName",
    "auth.kubernetes.serviceAccountRef": "csi.storage.k8s.io/serviceAccount.name",
  };
  // What is not there is told already. Whether plain http will do is for whoever opens the block.
  const told = new Set([...(server === "" ? [address.name] : []), ...(role === "" ? ["roleName"] : [])]);
  const parsed = parseVaultBlock(block, { scope: "SecretStore", name: "", namespace }, true);
  for (const { path, problem } of byParameter(parsed, parameterOf)) if (!told.has(path)) read.report(path, problem);
  return block;
}

/** What connections cannot be told to do for a class. */
function refuseTls(named: Named, server: string, read: DialectReader): void {
  const skip = named("SkipTLSVerify");
  if (read.flag(skip.name)) read.report(skip.name, "certificates are always checked; remove it, and trust the CA");
  const host = named("TLSServerName");
  if (host.value !== "" && host.value !== URL.parse(server)?.hostname)
    read.report(
      host.name,
      "is not supported yet, unless it is the host of the address; put that name into the address",
    );
  const folder = named("CADirectory");
  if (folder.value !== "")
    read.report(
      folder.name,
      `is not supported; join the certificates to one file, and name it by ${named("CACertPath").name}`,
    );
  for (const { name, value } of [named("TLSClientCertPath"), named("TLSClientKeyPath")])
    if (value !== "")
      read.report(name, `is not supported: it would show a certificate of the node for any pod; ${byStore} tls`);
}

function readPaths(named: Named, read: DialectReader): readonly DialectPath[] {
  const { name: parameter, value: name } = named("CACertPath");
  if (name === "") return [];
  const problem = fileNameProblem(name);
  if (problem) read.report(parameter, problem);
  return [{ parameter, name, field: "caBundle" }];
}

function readObject(entry: DialectEntry, read: DialectReader, { filePermission }: DialectSurroundings): DialectFile {
  const path = entry.required("objectName", "is missing; name the file");
  const key = entry.required("secretPath", "is missing; name what to read, as in secret/data/payments/db");
  const secretKey = entry.text("secretKey");
  const method = entry.text("method");
  if (method !== "" && method.toUpperCase() !== "GET")
    read.report(
      `${entry.at}.method`,
      "is not supported yet, as it makes something at each read: only GET is; keep this class with its present provider",
    );
  if (entry.has("secretArgs"))
    read.report(
      `${entry.at}.secretArgs`,
      "is not supported yet; write what a GET takes into the query of secretPath, or keep this class with its present provider",
    );
  const ref = { key, metadataPolicy: "None", form: secretKey === "" ? responseForm : dataForm } as const;
  const problem = key === "" ? undefined : locateProblem(() => locateApi(ref));
  if (problem) read.report(`${entry.at}.secretPath`, problem);
  return {
    path,
    mode: entry.mode("filePermission") || filePermission,
    ref,
    part: secretKey === "" ? { kind: "whole" } : { kind: "key", of: "json", key: secretKey },
    encoding: entry.encoding("encoding"),
    object: { id: path, version: "digest", ...(secretKey === "" ? { passing: passingMembers } : {}) },
  };
}

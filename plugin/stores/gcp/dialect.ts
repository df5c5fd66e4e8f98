/**
 * Classes written for Google's own CSI provider: which projects and login their parameters mean, and which file each
 * secret or parameter makes. A block reads one project, so a class of several has several blocks.
 */
import type { Parsed } from "../../manifests/objects.ts";
import { parsedOr } from "../../manifests/object-meta.ts";
import type { ClassDialect, ClassRequest, DialectFile, DialectPart, DialectSurroundings } from "../class-dialect.ts";
import { byParameter, checkPaths, createDialectReader, locateProblem } from "../dialect.ts";
import type { DialectEntry, DialectReader } from "../dialect.ts";
import { publishedSecret } from "../provider-block.ts";
import { locate } from "./address.ts";
import { parseGcpBlock } from "./block.ts";

const variables = { project: "PROJECT", location: "CLUSTER_LOCATION", name: "CLUSTER_NAME" } as const;
const resourceForms =
  "projects/P/secrets/S/versions/V, projects/P/locations/L/secrets/S/versions/V or projects/P/locations/L/parameters/N/versions/V";
const resource = /^projects\/([^/]+)(?:\/locations\/[^/]+)?\/(?:secrets|parameters)\/[^/]+\/versions\/[^/]+$/;
/** The key of nodePublishSecretRef that the provider looks for. */
const keyFile = "key.json";

/** One entry, with the project that it is read in; empty after a problem. */
interface Wanted {
  readonly project: string;
  readonly file: DialectFile;
}

export const gcpDialect: ClassDialect = { provider: "gcp", environment: Object.values(variables), parse };

function parse(parameters: Readonly<Record<string, string>>, surroundings: DialectSurroundings): Parsed<ClassRequest> {
  const read = createDialectReader(parameters);
  const login = readLogin(read, surroundings);
  const entries = read.entries("secrets");
  const wanted = entries.map((entry) => readSecret(entry, read, surroundings));
  checkPaths(
    wanted.map(({ file }, i) => ({ at: `${entries[i]!.at}.path`, path: file.path })),
    read.report,
  );
  const projects = [...new Set(wanted.map(({ project }) => project))].filter((project) => project !== "");
  const [first = "", ...others] = projects;
  const blockOf = (project: string): unknown => ({ projectID: project, ...login.block });
  const scope = login.processIdentity ? "ClusterSecretStore" : "SecretStore";
  const { namespace } = surroundings;
  // What the login lacks is told once, and before.
  if (login.isWhole && first !== "")
    for (const problem of byParameter(parseGcpBlock(blockOf(first), { scope, name: "", namespace }), parameterOf))
      read.report(problem.path, problem.problem);
  return parsedOr<ClassRequest>(read.problems, () => ({
    block: blockOf(first),
    ...(others.length > 0 ? { further: Object.fromEntries(others.map((project) => [project, blockOf(project)])) } : {}),
    files: wanted.map(({ project, file }) => (project === first ? file : { ...file, block: project })),
    ...(login.processIdentity ? { processIdentity: true } : {}),
  }));
}

const parameterOf = {
  "auth.workloadIdentity.serviceAccountRef": "csi.storage.k8s.io/serviceAccount.name",
  "auth.workloadIdentity.clusterProjectID": variables.project,
  "auth.workloadIdentity.clusterLocation": variables.location,
  "auth.workloadIdentity.clusterName": variables.name,
  auth: "auth",
};

interface Login {
  readonly block: { readonly auth?: unknown };
  /** False after a problem. */
  readonly isWhole: boolean;
  readonly processIdentity?: true;
}

function readLogin(
  read: DialectReader,
  { environment = {}, processIdentity, secretKeys, serviceAccountName }: DialectSurroundings,
): Login {
  const auth = read.text("auth");
  const nothing = { block: {}, isWhole: false };
  if (auth !== "" && auth !== "pod-adc" && auth !== "provider-adc") {
    read.report("auth", "must be pod-adc (the same as nothing) or provider-adc");
    return nothing;
  }
  if (secretKeys.includes(keyFile)) {
    if (auth !== "") {
      read.report(
        "auth",
        `does not go with nodePublishSecretRef, whose ${keyFile} is a login too; keep one of the two`,
      );
      return nothing;
    }
    const selector = { name: publishedSecret, key: keyFile };
    return { block: { auth: { secretRef: { secretAccessKeySecretRef: selector } } }, isWhole: true };
  }
  if (auth === "provider-adc") {
    if (processIdentity) return { block: {}, isWhole: true, processIdentity };
    read.report(
      "auth",
      "provider-adc reads as this process, which --process-identity-namespaces does not allow for this namespace; list it there, or use pod-adc",
    );
    return nothing;
  }
  const [clusterProjectID, clusterLocation, clusterName] = Object.values(variables).map(
    (name) => environment[name] || "",
  );
  const absent = Object.values(variables).filter((name) => !environment[name]);
  if (absent.length > 0) {
    const what = "pods log in through the cluster's own identity pool, and which cluster this is, is not known";
    read.report("auth", `${what}; set ${absent.join(", ")} in keyferry's environment`);
    return nothing;
  }
  const serviceAccountRef = { name: serviceAccountName };
  const workloadIdentity = { serviceAccountRef, clusterProjectID, clusterLocation, clusterName };
  return { block: { auth: { workloadIdentity } }, isWhole: true };
}

function readSecret(entry: DialectEntry, read: DialectReader, { filePermission }: DialectSurroundings): Wanted {
  const key = entry.required("resourceName", `is missing; write ${resourceForms}`);
  const project = resource.exec(key)?.[1] ?? "";
  const ref = { key, metadataPolicy: "None" } as const;
  const problem =
    key === ""
      ? undefined
      : project === ""
        ? `is no name of a version; write ${resourceForms}`
        : locateProblem(() => locate({ project }, ref));
  if (problem) read.report(`${entry.at}.resourceName`, problem);
  const path = entry.text("path") || entry.text("fileName");
  if (path === "") read.report(`${entry.at}.path`, "is missing; name the file by path or fileName");
  const file: DialectFile = {
    path,
    mode: entry.mode("mode") ?? filePermission,
    ref,
    part: partOf(entry, read),
    encoding: "utf-8",
    object: { id: key, version: "store" },
  };
  return { project: problem ? "" : project, file };
}

function partOf(entry: DialectEntry, read: DialectReader): DialectPart {
  const json = entry.text("extractJSONKey");
  const yaml = entry.text("extractYAMLKey");
  if (json !== "" && yaml !== "")
    read.report(`${entry.at}.extractYAMLKey`, "does not go with extractJSONKey; keep one of the two");
  if (json !== "") return { kind: "key", of: "json", key: json, textOnly: true };
  return yaml === "" ? { kind: "whole" } : { kind: "key", of: "yaml", key: yaml, textOnly: true };
}

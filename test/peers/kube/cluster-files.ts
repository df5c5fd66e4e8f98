/** What a control plane finds on disk before it starts: certificates, keys, kubeconfigs, the audit policy; all made here. */
import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Certificate, makeCertificate } from "../../fakes/certificate.ts";
import { auditPolicy } from "./audit.ts";

export interface ClusterFiles {
  readonly folder: string;
  readonly url: string;
  readonly etcdUrl: string;
  readonly issuer: string;
  /** PEM. */
  readonly authority: string;
  readonly admin: Certificate;
  readonly serving: Certificate;
  readonly paths: Readonly<Record<FileName, string>>;
}

type FileName =
  | "authority"
  | "servingCertificate"
  | "servingKey"
  | "accountKey"
  | "accountPublicKey"
  | "auditPolicy"
  | "audit"
  | "adminKubeconfig"
  | "managerKubeconfig"
  | "etcd";

export async function makeClusterFiles(): Promise<ClusterFiles> {
  const folder = await mkdtemp(join(tmpdir(), "keyferry-kube-"));
  await mkdir(join(folder, "logs"));
  const [apiPort, etcdPort] = await freePorts(2);
  const url = `https://127.0.0.1:${apiPort}`;
  const { authority, serving, admin, manager } = makeCertificates();
  const account = generateKeyPairSync("rsa", { modulusLength: 2048 });

  const texts = {
    authority: ["ca.crt", authority.certificate],
    servingCertificate: ["serving.crt", serving.certificate],
    servingKey: ["serving.key", serving.key],
    accountKey: ["account.key", account.privateKey.export({ type: "pkcs8", format: "pem" }).toString()],
    accountPublicKey: ["account.pub", account.publicKey.export({ type: "spki", format: "pem" }).toString()],
    auditPolicy: ["audit-policy.json", JSON.stringify(auditPolicy)],
    adminKubeconfig: ["admin.kubeconfig", certificateKubeconfig(url, authority.certificate, admin)],
    managerKubeconfig: ["manager.kubeconfig", certificateKubeconfig(url, authority.certificate, manager)],
  } as const;
  const paths: Record<string, string> = { audit: join(folder, "audit.jsonl"), etcd: join(folder, "etcd") };
  for (const [name, [file, text]] of Object.entries(texts)) {
    paths[name] = join(folder, file);
    await writeFile(paths[name], text, { mode: 0o600 });
  }
  return {
    folder,
    url,
    etcdUrl: `http://127.0.0.1:${etcdPort}`,
    issuer: "https://kubernetes.default.svc.cluster.local",
    authority: authority.certificate,
    admin,
    serving,
    paths: paths as Record<FileName, string>,
  };
}

function makeCertificates(): Readonly<Record<"authority" | "serving" | "admin" | "manager", Certificate>> {
  const hourMs = 3_600_000;
  const life = { notBeforeMs: Date.now() - hourMs, notAfterMs: Date.now() + 24 * hourMs };
  const authority = makeCertificate({ name: "cluster authority", ...life, isAuthority: true });
  const subjects = ["127.0.0.1", "localhost", "kubernetes.default.svc"];
  return {
    authority,
    serving: makeCertificate({ name: "kube-apiserver", subjects, ...life, issuer: authority }),
    admin: makeCertificate({ name: "admin", organization: "system:masters", ...life, issuer: authority }),
    manager: makeCertificate({ name: "system:kube-controller-manager", ...life, issuer: authority }),
  };
}

function certificateKubeconfig(url: string, authority: string, client: Certificate): string {
  return kubeconfigText(
    { server: url, "certificate-authority-data": base64(authority) },
    { "client-certificate-data": base64(client.certificate), "client-key-data": base64(client.key) },
  );
}

/** JSON is YAML. */
export function kubeconfigText(
  cluster: Record<string, string>,
  user: Record<string, string>,
  namespace = "default",
): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster }],
    users: [{ name: "test", user }],
    contexts: [{ name: "test", context: { cluster: "test", user: "test", namespace } }],
    "current-context": "test",
  });
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}

/** Held open together, so that no two are the same. */
async function freePorts(count: number): Promise<number[]> {
  const probes = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    probes.map(
      (probe) =>
        new Promise<number>((resolve, reject) => {
          probe.on("error", reject);
          probe.listen(0, "127.0.0.1", () => resolve((probe.address() as { port: number }).port));
        }),
    ),
  );
  await Promise.all(probes.map((probe) => new Promise<void>((resolve) => probe.close(() => resolve()))));
  return ports;
}

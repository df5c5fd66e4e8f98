/**
 * A node driver as providers meet it: connects, asks and checks as the upstream Secrets Store CSI driver 1.6 does.
 *
 * Its checks are its own, so that what passes here passes there: at least one object version, unique ids, relative
 * cleaned paths that stay in the volume, modes up to 0777, answers up to 4 MiB.
 */
import { Client, credentials, Metadata, type ChannelOptions } from "@grpc/grpc-js";
import { chmod, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { providerService, type MountRequest, type MountResponse, type VersionResponse } from "../../proto/provider.ts";

export interface DriverMount {
  /** Parameters of the class; a pod's own volumeAttributes are laid over them by the caller. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly namespace?: string;
  readonly podName?: string;
  readonly podUid?: string;
  readonly serviceAccountName?: string;
  /** Audience → token, as kubelet hands them over when the CSIDriver asks for tokens. */
  readonly tokens?: Readonly<Record<string, string>>;
  /** Where kubelet puts the tokens: Kubernetes 1.35 can keep them out of the attributes. */
  readonly tokensIn?: "attributes" | "secrets";
  /** Content of nodePublishSecretRef. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Parts of the request to send as they are. */
  readonly raw?: Partial<MountRequest>;
  /** Folder to make the volume's files in, in place of what it holds. */
  readonly writeTo?: string;
  readonly signal?: AbortSignal;
}

export interface MountedFile {
  readonly mode: number;
  readonly contents: Buffer;
}

export interface Mounted {
  readonly files: ReadonlyMap<string, MountedFile>;
  /** Object id → version, as SecretProviderClassPodStatus lists them. */
  readonly versions: ReadonlyMap<string, string>;
}

export interface DriverClient {
  /** Rejects with grpc-js's ServiceError (`code`, `details`), or an Error when the answer breaks the contract. */
  mount(asked: DriverMount): Promise<Mounted>;
  version(): Promise<VersionResponse>;
  close(): void;
}

const prefix = "csi.storage.k8s.io/";
const answerLimitBytes = 4 * 1024 * 1024;
const { Mount, Version } = providerService;

const serviceConfig = {
  loadBalancingConfig: [],
  methodConfig: [
    {
      name: [{ service: "v1alpha1.CSIDriverProvider" }],
      retryPolicy: {
        maxAttempts: 3,
        initialBackoff: "1s",
        maxBackoff: "10s",
        backoffMultiplier: 1.1,
        retryableStatusCodes: ["UNAVAILABLE"],
      },
    },
  ],
};

/** A connection that stays, as the driver keeps one per provider name for its whole life. */
export function openDriverClient(socketPath: string, options: ChannelOptions = {}): DriverClient {
  const client = new Client(`unix:${socketPath}`, credentials.createInsecure(), {
    "grpc.default_authority": "localhost",
    "grpc.max_receive_message_length": answerLimitBytes,
    "grpc.service_config": JSON.stringify(serviceConfig),
    "grpc.use_local_subchannel_pool": 1,
    ...options,
  });
  const waiting = (): Metadata => new Metadata({ waitForReady: true });
  return {
    async mount(asked) {
      const response = await new Promise<MountResponse>((resolve, reject) => {
        const call = client.makeUnaryRequest(
          Mount.path,
          Mount.requestSerialize,
          Mount.responseDeserialize,
          mountRequest(asked),
          waiting(),
          (error, answer) => (answer ? resolve(answer) : reject(error as Error)),
        );
        asked.signal?.addEventListener("abort", () => call.cancel(), { once: true });
      });
      const mounted = checkedAnswer(response);
      if (asked.writeTo !== undefined) await writeVolume(asked.writeTo, mounted);
      return mounted;
    },
    version: () =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          Version.path,
          Version.requestSerialize,
          Version.responseDeserialize,
          { version: "v1alpha1" },
          waiting(),
          (error, answer) => (answer ? resolve(answer) : reject(error as Error)),
        );
      }),
    close: () => client.close(),
  };
}

/** One mount over a connection of its own. */
export async function mountAsDriver(socketPath: string, asked: DriverMount): Promise<Mounted> {
  const client = openDriverClient(socketPath);
  try {
    return await client.mount(asked);
  } finally {
    client.close();
  }
}

function mountRequest(asked: DriverMount): MountRequest {
  const podUid = asked.podUid ?? "0d3a1c52-52a7-4f0e-8a43-6f2f0a1a7c11";
  const inSecrets = asked.tokensIn === "secrets";
  const tokens = asked.tokens ? { [`${prefix}serviceAccount.tokens`]: tokensText(asked.tokens) } : {};
  return {
    attributes: JSON.stringify({
      ...asked.parameters,
      secretProviderClass: "class",
      [`${prefix}pod.name`]: asked.podName ?? "pod-0",
      [`${prefix}pod.namespace`]: asked.namespace ?? "default",
      [`${prefix}pod.uid`]: podUid,
      [`${prefix}serviceAccount.name`]: asked.serviceAccountName ?? "default",
      [`${prefix}ephemeral`]: "true",
      ...(inSecrets ? {} : tokens),
    }),
    secrets: JSON.stringify({ ...asked.secrets, ...(inSecrets ? tokens : {}) }),
    target_path: `/var/lib/kubelet/pods/${podUid}/volumes/kubernetes.io~csi/secrets/mount`,
    permission: "420",
    current_object_version: [],
    ...asked.raw,
  };
}

function tokensText(tokens: Readonly<Record<string, string>>): string {
  const expirationTimestamp = "2099-01-01T00:00:00Z";
  return JSON.stringify(
    Object.fromEntries(Object.entries(tokens).map(([audience, token]) => [audience, { token, expirationTimestamp }])),
  );
}

function checkedAnswer(response: MountResponse): Mounted {
  const code = response.error?.code ?? "";
  if (code !== "") throw new Error(`mount request failed with provider error code ${code}`);
  if (response.object_version.length === 0) throw new Error("missing object versions");
  const versions = new Map<string, string>();
  for (const { id, version } of response.object_version) {
    if (id === "" || version === "") throw new Error("an object version is half empty");
    if (versions.has(id)) throw new Error(`object id ${id} twice`);
    versions.set(id, version);
  }
  const files = new Map<string, MountedFile>();
  for (const { path, mode, contents } of response.files) {
    checkPath(path);
    if (mode < 0 || mode > 0o777) throw new Error(`file ${path}: mode ${mode}`);
    if (files.has(path)) throw new Error(`file ${path} twice`);
    files.set(path, { mode, contents });
  }
  return { files, versions };
}

function checkPath(path: string): void {
  const components = path.split("/");
  const bad =
    path === "" ||
    path.startsWith("/") ||
    path.startsWith("..") ||
    posix.normalize(path) !== path ||
    Buffer.byteLength(path) > 4096 ||
    components.some((component) => component === ".." || Buffer.byteLength(component) > 255);
  if (bad) throw new Error("invalid file path");
}

async function writeVolume(folder: string, { files }: Mounted): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true });
  for (const [path, { mode, contents }] of files) {
    const target = join(folder, path);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, contents);
    await chmod(target, mode);
  }
}

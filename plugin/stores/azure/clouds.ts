/**
 * Where each cloud's tokens come from, what they are for, and under which names its vaults are.
 *
 * The names matter: a token for the cloud's vaults is shown to whatever host the block names as a vault, so that host
 * must be one of them.
 */
import type { Parsed, Problem } from "../../manifests/objects.ts";
import type { AzureConfig } from "./config.ts";
import type { AzureBlock } from "./schema.ts";

interface Cloud {
  readonly authority: string;
  /** Vaults are called NAME.suffix. */
  readonly vaultSuffix: string;
}

export type KnownCloud = Exclude<AzureBlock["environmentType"], "AzureStackCloud">;

const clouds: Readonly<Record<KnownCloud, Cloud>> = {
  PublicCloud: { authority: "https://login.microsoftonline.com", vaultSuffix: "vault.azure.net" },
  USGovernmentCloud: { authority: "https://login.microsoftonline.us", vaultSuffix: "vault.usgovcloudapi.net" },
  ChinaCloud: { authority: "https://login.chinacloudapi.cn", vaultSuffix: "vault.azure.cn" },
  GermanCloud: { authority: "https://login.microsoftonline.de", vaultSuffix: "vault.microsoftazure.de" },
};

/** The address of a vault that is known by its name. */
export function vaultUrlIn(cloud: KnownCloud, name: string): string {
  return `https://${name}.${clouds[cloud].vaultSuffix}`;
}

type Reach = Pick<AzureConfig, "vaultUrl" | "authority" | "resource">;
type Given = Pick<AzureBlock, "vaultUrl" | "environmentType" | "customCloudConfig">;

/** `plainHttp`: http:// addresses are allowed. */
export function readCloud(given: Given, plainHttp: boolean): Parsed<Reach> {
  const custom = given.customCloudConfig;
  if (given.environmentType === "AzureStackCloud" && !custom)
    return fail({
      path: "customCloudConfig",
      problem: "is missing; AzureStackCloud needs its activeDirectoryEndpoint",
    });
  const known = given.environmentType === "AzureStackCloud" ? undefined : clouds[given.environmentType];
  const vault = readAddress("vaultUrl", given.vaultUrl, plainHttp);
  const authority = readAddress(
    "customCloudConfig.activeDirectoryEndpoint",
    custom?.activeDirectoryEndpoint ?? known!.authority,
    plainHttp,
  );
  const endpoint = custom?.keyVaultEndpoint
    ? readAddress("customCloudConfig.keyVaultEndpoint", custom.keyVaultEndpoint, plainHttp)
    : undefined;
  const [problem, ...others] = [vault, authority, ...(endpoint ? [endpoint] : [])].flatMap((one) =>
    one.ok ? [] : [...one.problems],
  );
  if (problem) return { ok: false, problems: [problem, ...others] };
  if (!vault.ok || !authority.ok || (endpoint && !endpoint.ok)) throw new Error("unreachable: a problem was returned");
  const hostRule = suffixProblem(
    vault.value,
    custom?.keyVaultDNSSuffix || (endpoint?.value.hostname ?? known?.vaultSuffix),
  );
  if (hostRule) return fail(hostRule);
  const resource = endpoint ? baseOf(endpoint.value) : known && `https://${known.vaultSuffix}`;
  return {
    ok: true,
    value: {
      vaultUrl: vault.value.origin,
      authority: baseOf(authority.value),
      ...(resource === undefined ? {} : { resource }),
    },
  };
}

function readAddress(path: string, text: string, plainHttp: boolean): Parsed<URL> {
  const url = URL.parse(text);
  const problem = (what: string): Parsed<URL> => fail({ path, problem: what });
  if (!url || !/^https?:\/\//.test(text)) return problem("must be a URL such as https://shop.vault.azure.net");
  if (url.username !== "" || url.password !== "") return problem("must not hold a user name or password");
  if (/[?#]/.test(text)) return problem("must not have a query or fragment");
  if (path === "vaultUrl" && url.pathname !== "/") return problem("must be the vault's address alone, without a path");
  if (url.protocol === "http:" && !plainHttp) return problem("must be https://; plain http is for standalone use only");
  return { ok: true, value: url };
}

/** Absent suffix: the vault itself says below which name it is, and is held to that when it is asked. */
function suffixProblem({ hostname }: URL, suffix: string | undefined): Problem | undefined {
  if (suffix === undefined || isBelow(hostname, suffix.replace(/^\.+/, "").toLowerCase())) return undefined;
  return {
    path: "vaultUrl",
    problem: `is no vault of this cloud, whose vaults are called NAME.${suffix.replace(/^\.+/, "")}; correct it or environmentType`,
  };
}

export function isBelow(host: string, name: string): boolean {
  return host === name || host.endsWith(`.${name}`);
}

/** The block's clouds by what their tokens are for, to tell one who named another. */
export function cloudOfResource(resource: string): string | undefined {
  return Object.entries(clouds).find(([, { vaultSuffix }]) => resource === `https://${vaultSuffix}`)?.[0];
}

function baseOf(url: URL): string {
  return url.href.replace(/\/+$/, "");
}

function fail(problem: Problem): { ok: false; problems: [Problem] } {
  return { ok: false, problems: [problem] };
}

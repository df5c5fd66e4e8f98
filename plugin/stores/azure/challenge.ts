/**
 * What a vault says, to whoever shows no token, about the tokens that it takes:
 * `Bearer authorization="https://login.microsoftonline.com/TENANT", resource="https://vault.azure.net"`.
 */
import { Failure } from "../../core/failure.ts";
import type { HttpSend } from "../http.ts";
import { isBelow } from "./clouds.ts";
import { apiVersion } from "./vault.ts";

/** Without a slash at its end; absent when nothing readable is said. */
export function challengedResource(headers: Readonly<Record<string, string>>): string | undefined {
  const said = headers["www-authenticate"] ?? "";
  const member = (name: string): string | undefined => new RegExp(`\\b${name}="([^"\\s]{1,512})"`).exec(said)?.[1];
  const resource = member("resource") ?? member("scope")?.replace(/\/\.default$/, "");
  return resource === undefined || !URL.canParse(resource) ? undefined : resource.replace(/\/+$/, "");
}

/**
 * Asks the vault. Rejects with Failure `store_invalid` when it names a resource that is not its own, by which a token
 * for other vaults could be had; `answer_invalid` when it names none; as `send` does otherwise.
 */
export async function askForResource(vaultUrl: string, send: HttpSend, signal: AbortSignal): Promise<string> {
  const url = new URL(`${vaultUrl}/secrets?api-version=${apiVersion}&maxresults=1`);
  const { status, headers } = await send({ method: "GET", url, headers: { accept: "application/json" } }, signal);
  const resource = status === 401 ? challengedResource(headers) : undefined;
  if (resource === undefined)
    throw new Failure(
      "answer_invalid",
      "the vault does not say which tokens it takes; give customCloudConfig.keyVaultEndpoint",
    );
  if (isBelow(url.hostname, new URL(resource).hostname)) return resource;
  throw new Failure(
    "store_invalid",
    "the vault asks for a token that is not for its own cloud's vaults; check vaultUrl, or give customCloudConfig.keyVaultEndpoint",
  );
}

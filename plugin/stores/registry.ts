/**
 * Every kind of store there is. A new one is a folder and a line here.
 *
 * Each is loaded with the first store of it: a process pays for the kinds that it meets.
 */
import type { LoadKind } from "./contract.ts";

/** By the key under spec.provider. */
export const storeKinds = {
  vault: async () => (await import("./vault/kind.ts")).vault,
  openBao: async () => (await import("./vault/kind.ts")).openBao,
  aws: async () => (await import("./aws/kind.ts")).aws,
  azurekv: async () => (await import("./azure/kind.ts")).azurekv,
  gcpsm: async () => (await import("./gcp/kind.ts")).gcpsm,
  onepassword: async () => (await import("./onepassword/kind.ts")).onepassword,
  doppler: async () => (await import("./doppler/kind.ts")).doppler,
  akeyless: async () => (await import("./akeyless/kind.ts")).akeyless,
  webhook: async () => (await import("./webhook/kind.ts")).webhook,
  kubernetes: async () => (await import("./kubernetes/kind.ts")).kubernetes,
  file: async () => (await import("./file/kind.ts")).file,
  fake: async () => (await import("./fake/kind.ts")).fake,
} as const satisfies Record<string, LoadKind>;

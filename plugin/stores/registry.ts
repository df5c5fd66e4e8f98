/** Every kind of store there is. A new one is a folder and a line here. */
import type { StoreKind } from "./contract.ts";
import { akeyless } from "./akeyless/kind.ts";
import { aws } from "./aws/kind.ts";
import { azurekv } from "./azure/kind.ts";
import { doppler } from "./doppler/kind.ts";
import { fake } from "./fake/kind.ts";
import { file } from "./file/kind.ts";
import { gcpsm } from "./gcp/kind.ts";
import { kubernetes } from "./kubernetes/kind.ts";
import { onepassword } from "./onepassword/kind.ts";
import { openBao, vault } from "./vault/kind.ts";
import { webhook } from "./webhook/kind.ts";

/** By the key under spec.provider. */
export const storeKinds = {
  vault,
  openBao,
  aws,
  azurekv,
  gcpsm,
  onepassword,
  doppler,
  akeyless,
  webhook,
  kubernetes,
  file,
  fake,
} as const satisfies Record<string, StoreKind>;

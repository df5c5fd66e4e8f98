/** Every kind of store there is. A new one is a folder and a line here. */
import type { StoreKind } from "./contract.ts";
import { aws } from "./aws/kind.ts";
import { fake } from "./fake/kind.ts";
import { file } from "./file/kind.ts";
import { vault } from "./vault/kind.ts";

/** By the key under spec.provider. */
export const storeKinds = { vault, aws, file, fake } as const satisfies Record<string, StoreKind>;

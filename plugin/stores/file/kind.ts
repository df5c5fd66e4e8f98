/**
 * Kind `file`: secrets in a folder (a key is a file) or in one YAML or JSON file (a key is a member of its map).
 *
 * Reads the disk at every fetch, so a change is seen at once. Never reads outside of the store's path, also not through
 * a symlink, and never takes a folder that is not mounted for one whose secrets were deleted.
 */
import { isAbsolute, relative, resolve, sep } from "node:path";
import { joinUnderSignal } from "../../core/deadline.ts";
import { Failure } from "../../core/failure.ts";
import type { Problem } from "../../manifests/objects.ts";
import { parsedOr } from "../../manifests/object-meta.ts";
import type { Address, Located, Ref, Session, StoreContext, StoreDeps, StoreKind } from "../contract.ts";
import { block, parseBlock, text } from "../provider-block.ts";
import { readSecret, type Place } from "./read-secret.ts";

const fileBlock = block({ path: text });

export const file: StoreKind = {
  name: "file",
  metricLabel: "Keyferry/File",
  propertySyntax: "gjson",
  unusedCallerFacts: ["namespace", "storeName", "storeKind"],
  open(raw, context, deps) {
    const parsed = parseBlock(fileBlock, raw);
    if (!parsed.ok) return parsed;
    if (!deps.fileStore) return { ok: false, problems: [nothingToRead] };
    const { base, root } = deps.fileStore;
    const shown = parsed.value.path;
    const place: Place = { path: resolve(base, shown), shown, ...(root === undefined ? {} : { root }) };
    return parsedOr(placeProblems(place, context), () => ({
      store: fileStore(place, deps),
      config: { path: place.path },
    }));
  },
};

const nothingToRead = {
  path: "",
  problem: "no folder is open to file stores here; an administrator sets --file-store-root",
};

/** With a root, this process serves others: tenants may not name folders of the node. */
function placeProblems({ path, shown, root }: Place, context: StoreContext): readonly Problem[] {
  if (shown.includes("\0")) return [{ path: "path", problem: "holds a NUL character; name a folder or a file" }];
  if (root === undefined) return [];
  if (context.scope !== "ClusterSecretStore")
    return [{ path: "path", problem: "a file store must be a ClusterSecretStore here; ask an administrator for one" }];
  if (isWithin(root, path)) return [];
  return [{ path: "path", problem: "leaves the folder of --file-store-root; name a path below it" }];
}

function isWithin(root: string, path: string): boolean {
  const way = relative(root, path);
  return way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function fileStore(place: Place, deps: StoreDeps) {
  return {
    proofNeed: { kind: "none" } as const,
    loginRealm: `file ${place.path}`,
    localPaths: [place.path],
    locate,
    login: () => Promise.resolve<Session>({}),
    async fetch({ address }: Located, _session: Session, signal: AbortSignal) {
      try {
        // A dead network mount never answers; whoever asks is let go when their time is over.
        const answer = await joinUnderSignal(readSecret(place, address), signal);
        deps.countCall("ReadFile", "success");
        return answer;
      } catch (thrown) {
        deps.countCall("ReadFile", "error");
        throw thrown;
      }
    },
    watch: (onChange: () => void) => deps.watchPath(place.path, onChange),
  };
}

/** The key is its own address: one that could be spelled in a second way, or leave the folder, is refused. */
function locate(ref: Ref): Located {
  if (ref.version !== undefined && ref.version !== "")
    throw new Failure("ref_invalid", "a file store keeps no versions; remove remoteRef.version");
  if (ref.metadataPolicy === "Fetch")
    throw new Failure("ref_invalid", "a file store has no metadata; remove metadataPolicy: Fetch");
  const problem = keyProblem(ref.key);
  if (problem) throw new Failure("ref_invalid", `key ${JSON.stringify(ref.key)} ${problem}`);
  return { address: ref.key as Address, method: "GET", arguments: "", version: "" };
}

/** Bytes of one file name on Linux, less the longest ending that is tried. */
const longestPartBytes = 255 - ".yaml".length;
const longestKeyBytes = 1_024;

function keyProblem(key: string): string | undefined {
  if (key === "") return "is empty; name a file below the store's path";
  if (key.includes("\0")) return "holds a NUL character";
  if (!key.isWellFormed()) return "is not valid Unicode";
  if (key.startsWith("/")) return "is absolute; write it relative to the store's path";
  const parts = key.split("/");
  if (parts.includes("..")) return "may not contain `..`; name a file below the store's path";
  if (parts.includes("") || parts.includes("."))
    return "is not in its shortest form; leave out `//`, `./` and a closing `/`";
  if (parts.some((part) => part.startsWith(".")))
    return "names a hidden file; rename it so that it does not start with a dot";
  if (Buffer.byteLength(key) > longestKeyBytes || parts.some((part) => Buffer.byteLength(part) > longestPartBytes))
    return "is too long for a file name";
  return undefined;
}

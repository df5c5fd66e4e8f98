/** Slash-separated paths, as Go's packages path and (on Linux) filepath treat them. Nothing here looks at a disk. */
import type { FunctionTable, GoFunction } from "../functions.ts";
import { fn } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii, sliceBytes } from "../text.ts";
import { stringType } from "../types.ts";
import { scan } from "./costs.ts";

const root = ascii("/");
const here = ascii(".");

/** The shortest equal path: no double slashes, no `.`, no `..` that something before it could take back. */
function clean(path: GoString): GoString {
  const rooted = path.startsWith("/");
  const kept: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.length > 0 && kept.at(-1) !== "..") kept.pop();
    else if (!rooted) kept.push(part);
  }
  return ascii((rooted ? "/" : "") + kept.join("/") || ".");
}

function base(path: GoString): GoString {
  if (path === "") return here;
  const last = path.split("/").findLast((part) => part !== "");
  return last === undefined ? root : ascii(last);
}

function ext(path: GoString): GoString {
  const dot = path.lastIndexOf(".");
  return dot > path.lastIndexOf("/") ? sliceBytes(path, dot) : ascii("");
}

const ofPath = (call: (path: GoString) => GoString | boolean): GoFunction =>
  fn([stringType], ([path], ctx) => {
    scan(ctx, path);
    ctx.charge(path.length >> 4);
    return call(path);
  });

const functions = {
  base: ofPath(base),
  dir: ofPath((path) => clean(sliceBytes(path, 0, path.lastIndexOf("/") + 1))),
  clean: ofPath(clean),
  ext: ofPath(ext),
  isAbs: ofPath((path) => path.startsWith("/")),
};

export const pathFunctions: FunctionTable = {
  ...functions,
  osBase: functions.base,
  osDir: functions.dir,
  osClean: functions.clean,
  osExt: functions.ext,
  osIsAbs: functions.isAbs,
};

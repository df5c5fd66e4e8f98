/**
 * Which file names a volume may hold: the one place where path safety is decided.
 *
 * The rules are those of the upstream driver plus what it leaves open: control characters, broken Unicode, two files
 * under one name, a file where another needs a folder. Names are compared byte by byte: `A` and `a` are two files.
 */

/** Bytes of a whole path and of one component: the limits of Linux. */
const longestPathBytes = 4096;
const longestComponentBytes = 255;

/** C0, DEL and C1: they break terminals and logs, and NUL ends a name early in C. */
const controlCharacter = /[\u0000-\u001f\u007f-\u009f]/;

/** Why `path` may not be a file of a volume, without the path itself; undefined when it may. */
export function filePathProblem(path: string): string | undefined {
  if (path === "") return "is empty";
  if (!path.isWellFormed()) return "is not valid Unicode";
  if (controlCharacter.test(path)) return "holds a control character";
  if (path.startsWith("/")) return "is absolute; it must be relative to the volume";
  if (Buffer.byteLength(path) > longestPathBytes) return `is longer than ${longestPathBytes} bytes`;
  const components = path.split("/");
  for (const component of components) {
    const problem = componentProblem(component);
    if (problem) return problem;
  }
  // `..data` and the folders behind it belong to the writer of the volume.
  return components[0]!.startsWith("..") ? "starts with `..`, which is kept for the volume itself" : undefined;
}

function componentProblem(component: string): string | undefined {
  if (component === "..") return "has a `..` component; it may not leave the volume";
  if (component === "" || component === ".")
    return "is not in its shortest form; leave out `./`, `//` and a closing `/`";
  if (Buffer.byteLength(component) > longestComponentBytes)
    return `has a component longer than ${longestComponentBytes} bytes`;
  return undefined;
}

export interface PathClash {
  readonly path: string;
  /** Position in the list that was given, of the later of the two. */
  readonly index: number;
  readonly problem: string;
}

/** The first two paths that cannot both be files of one volume; undefined when all can. */
export function pathClash(paths: readonly string[]): PathClash | undefined {
  const files = new Set<string>();
  const folders = new Set<string>();
  for (const [index, path] of paths.entries()) {
    if (files.has(path)) return { path, index, problem: "is the name of two files; each file needs its own" };
    if (folders.has(path)) return { path, index, problem: "is a file and also the folder of another file" };
    files.add(path);
    for (const folder of foldersOf(path)) {
      if (files.has(folder)) return { path, index, problem: "lies in a folder that is also the name of a file" };
      folders.add(folder);
    }
  }
  return undefined;
}

/** `a/b/c` → `a`, `a/b`. */
export function foldersOf(path: string): string[] {
  const folders: string[] = [];
  for (let at = path.indexOf("/"); at !== -1; at = path.indexOf("/", at + 1)) folders.push(path.slice(0, at));
  return folders;
}

/** A file system that lets the n-th change fail, or that "dies" there: nothing works from then on, as after kill -9. */
import * as nodeFs from "node:fs/promises";
import type { PublishFs } from "../../plugin/files/published.ts";

const changes = new Set(["chmod", "mkdir", "mkdtemp", "rename", "rm", "symlink", "writeFile"]);

/** Calls `at(index, name, args)` before each change; what it throws is the change's outcome. */
export function watchedFs(before: (index: number, name: string, args: unknown[]) => Promise<void> | void): PublishFs {
  let index = 0;
  return new Proxy<PublishFs>(nodeFs, {
    get(target, name: keyof PublishFs) {
      return async (...args: unknown[]): Promise<unknown> => {
        if (changes.has(name)) await before(index++, name, args);
        return (target[name] as (...all: unknown[]) => Promise<unknown>)(...args);
      };
    },
  });
}

/** Fails the n-th change with `code`; the rest works. */
export function failingFs(n: number, code: string): PublishFs {
  return watchedFs((index) => {
    if (index === n) throw Object.assign(new Error(code), { code });
  });
}

/** Stops for good at the n-th change, half of it done where a change has halves. */
export function dyingFs(n: number): PublishFs {
  let dead = false;
  const died = Object.assign(new Error("died"), { code: "EIO" });
  const fs = watchedFs(async (index, name, args) => {
    if (index !== n) return;
    dead = true;
    if (name === "writeFile") {
      const [path, bytes, options] = args as Parameters<typeof nodeFs.writeFile> & [string, Buffer];
      await nodeFs.writeFile(path, bytes.subarray(0, bytes.length / 2), options);
    }
    throw died;
  });
  return new Proxy(fs, {
    get(target, name: keyof PublishFs) {
      return async (...args: unknown[]): Promise<unknown> => {
        if (dead) throw died;
        return (target[name] as (...all: unknown[]) => Promise<unknown>)(...args);
      };
    },
  });
}

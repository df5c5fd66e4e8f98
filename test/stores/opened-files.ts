/**
 * Notes which files a program opens, for those that prove what an SDK looks at on this machine. To be called before the
 * SDK is loaded: it takes these functions once.
 */
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

/** Returns the paths so far, those of installed packages left out, whenever it is asked. */
export function noteOpenedFiles(): () => readonly string[] {
  const opened: string[] = [];
  for (const home of [fs, fs.promises] as unknown as Record<string, (...args: unknown[]) => unknown>[])
    for (const name of ["readFile", "readFileSync", "open", "openSync", "createReadStream", "stat", "access"]) {
      const real = home[name];
      if (!real) continue;
      home[name] = function (this: unknown, ...args: unknown[]) {
        opened.push(String(args[0]));
        return real.apply(this, args);
      };
    }
  syncBuiltinESMExports();
  return () => opened.filter((path) => !path.includes("node_modules"));
}

#!/usr/bin/env node
/**
 * The start of keyferry. Plain JavaScript without a static import, so that an old Node can say that it is too old
 * instead of failing on the first file it cannot read.
 */
const oldestNode = 24;

if (Number(process.version.slice(1).split(".")[0]) < oldestNode) {
  process.stderr.write(`keyferry: Node ${process.version} is too old: start it with Node ${oldestNode} or later\n`);
  process.exit(2);
}
await import("./main.ts");

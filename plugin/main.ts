/** argv → command → exit code. Started by keyferry.mjs, which has refused a Node that is too old. */
import { type Config, loadConfig, processEnvironment } from "./config.ts";

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const loaded = loadConfig(args, processEnvironment());
  switch (loaded.kind) {
    case "show":
      process.stdout.write(loaded.text);
      return 0;
    case "refuse":
      for (const problem of loaded.problems) process.stderr.write(`keyferry: ${problem}\n`);
      return 2;
    case "run":
      return run(loaded.config);
  }
}

/** Each command loads what it needs alone. */
async function run(config: Config): Promise<number> {
  if (config.command === "node") return (await import("./commands/node.ts")).node(config, process.stderr);
  if (config.command === "render")
    return (await import("./commands/render.ts")).render(config, process.stdout, process.stderr);
  return (await import("./commands/standalone.ts")).standalone(config, process.stderr);
}

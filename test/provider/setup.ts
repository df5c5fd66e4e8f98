/** A provider on a socket in a folder of its own, with a clock that moves when told and a log that can be read. */
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rename } from "node:fs/promises";
import { SecretValue } from "../../plugin/core/secret-value.ts";
import type { Mount, MountAnswer } from "../../plugin/mount/mount.ts";
import type { Log, LogFields } from "../../plugin/observe/log.ts";
import { startProvider, type ProviderServer } from "../../plugin/provider/server.ts";
import { FakeClock, settle } from "../fakes/clock.ts";

export interface LogLine extends LogFields {
  readonly level: string;
  readonly sentence: string;
}

export function recordedLog(): { log: Log; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at =
    (level: string) =>
    (sentence: string, fields: LogFields = {}): void =>
      void lines.push({ level, sentence, ...fields });
  return { log: { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") }, lines };
}

export const oneFile: MountAnswer = {
  files: [{ path: "password", mode: 0o400, contents: SecretValue.fromText("value") }],
  objectVersions: [{ id: "password", version: "7" }],
};

export function answering(mount: Mount["mount"]): Mount {
  return { mount };
}

/** Everything that one test opens; `close` takes it all down. */
export class ProviderBench {
  readonly clock = new FakeClock();
  readonly #open: (() => Promise<unknown> | void)[] = [];
  readonly directory: string;
  readonly lines: LogLine[];
  readonly #log: Log;

  private constructor(directory: string) {
    this.directory = directory;
    const { log, lines } = recordedLog();
    this.#log = log;
    this.lines = lines;
  }

  static async create(): Promise<ProviderBench> {
    const root = await mkdtemp(join(tmpdir(), "kf-"));
    const bench = new ProviderBench(join(root, "p"));
    bench.#open.push(() => rm(root, { recursive: true, force: true }));
    return bench;
  }

  path(name = "keyferry"): string {
    return join(this.directory, `${name}.sock`);
  }

  async start(
    mount: Mount = answering(async () => oneFile),
    options: { name?: string; directory?: string } = {},
  ): Promise<ProviderServer> {
    const server = await startProvider({
      name: "keyferry",
      directory: this.directory,
      version: "1.2.3",
      clock: this.clock,
      log: this.#log,
      mount,
      ...options,
    });
    this.later(() => this.end(server));
    return server;
  }

  /** Ends a provider whatever hangs in it. */
  async end(server: ProviderServer): Promise<void> {
    await this.finish(server.close());
  }

  /** Moves the clock on until the work is done. */
  async finish<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const watched = work.finally(() => void (done = true));
    watched.catch(() => undefined);
    await settle();
    await this.when(() => done);
    return watched;
  }

  /** Real I/O goes on, and the clock with it, until the condition holds. */
  async when(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) {
      await this.clock.advance(100);
      await settle();
    }
  }

  /** Real I/O goes on, and the clock stands still, until the condition holds. */
  async reaches(condition: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await condition())) await settle();
  }

  later(close: () => Promise<unknown> | void): void {
    this.#open.unshift(close);
  }

  async close(): Promise<void> {
    for (const close of this.#open.splice(0)) await close();
  }
}

export async function listenAt(path: string, onConnection?: Parameters<typeof createServer>[1]): Promise<Server> {
  const server = createServer(onConnection);
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}

/** A socket file that nobody listens on: its server closed after the file had moved away from it. */
export async function leaveDeadSocket(path: string): Promise<void> {
  const server = await listenAt(`${path}.moving`);
  await rename(`${path}.moving`, path);
  await new Promise((resolve) => server.close(resolve));
}

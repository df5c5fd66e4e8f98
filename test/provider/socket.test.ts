import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, lstat, mkdir, readdir, readFile, rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, suite, test } from "node:test";
import { Server, ServerCredentials, status, type ServiceError } from "@grpc/grpc-js";
import { providerService } from "../../proto/provider.ts";
import { Failure } from "../../plugin/core/failure.ts";
import { mountAsDriver, openDriverClient } from "../fakes/driver-client.ts";
import { answering, leaveDeadSocket, listenAt, oneFile, ProviderBench } from "./setup.ts";

suite("the provider socket", () => {
  let bench: ProviderBench;
  beforeEach(async () => {
    bench = await ProviderBench.create();
  });
  afterEach(() => bench.close());

  const works = async (path: string): Promise<void> => {
    assert.equal((await mountAsDriver(path, { parameters: {} })).versions.get("password"), "7");
  };
  const inode = async (path: string): Promise<number | undefined> => (await lstat(path).catch(() => undefined))?.ino;
  const refused = (starting: Promise<unknown>, message: RegExp): Promise<void> =>
    assert.rejects(starting, (thrown: unknown) => {
      assert.ok(thrown instanceof Failure, String(thrown));
      assert.match(thrown.message, message);
      return true;
    });

  test("stands in a folder made for it, open to its owner alone, with nothing beside it", async () => {
    const { path } = await bench.start();
    assert.equal(path, join(bench.directory, "keyferry.sock"));
    const found = await lstat(path);
    assert.ok(found.isSocket());
    assert.equal(found.mode & 0o777, 0o600);
    assert.equal((await stat(bench.directory)).mode & 0o777, 0o755);
    assert.deepEqual(await readdir(bench.directory), ["keyferry.sock"]);
    await works(path);
  });

  test("leaves the umask of the process as it was", async () => {
    const mask = process.umask(0o027);
    try {
      await bench.start();
      assert.equal(process.umask(), 0o027);
    } finally {
      process.umask(mask);
    }
  });

  test("several names stand side by side", async () => {
    for (const name of ["keyferry", "vault", "a", "A_b-9"]) await works((await bench.start(undefined, { name })).path);
  });

  for (const name of ["", "a/b", "..", "a.b", "x".repeat(31), "a b", "ä"])
    test(`the name ${JSON.stringify(name)} is refused`, () =>
      refused(bench.start(undefined, { name }), /use 1 to 30 letters/));

  test("comes back after it was deleted, while open connections go on", async () => {
    const { path } = await bench.start();
    const driver = openDriverClient(path);
    bench.later(() => driver.close());
    await driver.mount({ parameters: {} });
    for (let round = 0; round < 3; round++) {
      await rm(path);
      await bench.when(async () => (await inode(path)) !== undefined);
      await works(path);
      await driver.mount({ parameters: {} });
    }
    assert.equal(bench.lines.filter((line) => line.sentence.includes("deleted")).length, 3);
    assert.deepEqual(await readdir(bench.directory), ["keyferry.sock"]);
  });

  test("comes back with its folder", async () => {
    const { path } = await bench.start();
    await rm(bench.directory, { recursive: true });
    await bench.when(async () => (await inode(path)) !== undefined);
    await works(path);
  });

  test("keeps trying, and says why, while it cannot come back", async () => {
    const { path } = await bench.start();
    await rm(bench.directory, { recursive: true });
    await writeFile(bench.directory, "in the way");
    await bench.when(() => bench.lines.some((line) => line.level === "error" && line.socket === path));
    await rm(bench.directory);
    await bench.when(async () => (await inode(path)) !== undefined);
    await works(path);
  });

  test("takes the place of a socket that nobody answers on", async () => {
    await mkdir(bench.directory);
    await leaveDeadSocket(bench.path());
    await works((await bench.start()).path);
  });

  test("takes the place of a process that was killed", async () => {
    await mkdir(bench.directory);
    const script = `require("net").createServer().listen(${JSON.stringify(bench.path())}, () => console.log("up"))`;
    const child = spawn(process.execPath, ["-e", script]);
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "close");
    assert.ok((await lstat(bench.path())).isSocket());
    await works((await bench.start()).path);
  });

  test("clears away what a killed predecessor left on the way, and nothing else", async () => {
    await mkdir(bench.directory);
    await leaveDeadSocket(join(bench.directory, ".kf-ab12"));
    await writeFile(join(bench.directory, ".kf-note"), "a file");
    await leaveDeadSocket(bench.path("vault"));
    const living = await listenAt(join(bench.directory, ".kf-live"));
    await bench.start();
    assert.deepEqual((await readdir(bench.directory)).sort(), [".kf-live", ".kf-note", "keyferry.sock", "vault.sock"]);
    living.close();
  });

  const squatters = {
    symlink: "a symlink",
    "symlink to a dead socket": "a symlink",
    file: "a file that is no socket",
    folder: "a folder",
  };
  for (const [kind, what] of Object.entries(squatters))
    test(`refuses to stand where a ${kind} is, and leaves it`, async () => {
      await mkdir(bench.directory);
      const path = bench.path();
      const target = join(bench.directory, "target");
      if (kind === "symlink") await symlink(target, path);
      if (kind === "symlink to a dead socket") {
        await leaveDeadSocket(target);
        await symlink(target, path);
      }
      if (kind === "file") await writeFile(path, "precious");
      if (kind === "folder") await mkdir(path);
      const before = await lstat(path);
      await refused(bench.start(), new RegExp(`keyferry\\.sock is ${what}; stop or remove it`));
      assert.equal((await lstat(path)).ino, before.ino);
      if (kind === "file") assert.equal(await readFile(path, "utf8"), "precious");
    });

  test("a path too long for Linux is refused, and the longest one works", async () => {
    const fill = (bytes: number): string => {
      const room = bytes - Buffer.byteLength(`${bench.directory}//keyferry.sock`);
      return join(bench.directory, "d".repeat(room));
    };
    await works((await bench.start(undefined, { directory: fill(107) })).path);
    await refused(
      bench.start(undefined, { directory: fill(108) }),
      /108 bytes, and Linux allows 107; choose a shorter/,
    );
  });

  test("a folder that cannot be made is refused", async () => {
    await mkdir(bench.directory);
    await writeFile(join(bench.directory, "file"), "");
    await refused(bench.start(undefined, { directory: join(bench.directory, "file", "x") }), /ENOTDIR/);
  });

  test("warns when others could replace its sockets", async () => {
    await mkdir(bench.directory);
    await chmod(bench.directory, 0o777);
    await bench.start();
    assert.ok(bench.lines.some((line) => line.level === "warn" && line.file === bench.directory));
  });

  suite("and others on it", () => {
    const foreignProvider = async (runtimeName: string): Promise<void> => {
      await mkdir(bench.directory, { recursive: true });
      const server = new Server();
      server.addService(providerService, {
        Version: (_call: unknown, answer: (error: null, value: object) => void) =>
          answer(null, { version: "v1alpha1", runtime_name: runtimeName, runtime_version: "9" }),
        Mount: (_call: unknown, answer: (error: Partial<ServiceError>) => void) =>
          answer({ code: status.DATA_LOSS, details: "foreign" }),
      });
      await new Promise<void>((resolve, reject) =>
        server.bindAsync(`unix:${bench.path()}`, ServerCredentials.createInsecure(), (error) =>
          error ? reject(error) : resolve(),
        ),
      );
      bench.later(() => server.forceShutdown());
    };

    for (const [name, shown] of [
      ["vault-csi-provider", "vault-csi-provider"],
      ["", ""],
      ['bad"\nname\u001b', "bad??name?"],
    ] as const)
      test(`a living provider ${JSON.stringify(name)} is never replaced`, async () => {
        await foreignProvider(name);
        const before = await inode(bench.path());
        await refused(
          bench.start(),
          new RegExp(`answered by provider "${shown.replaceAll("?", "\\?")}"; stop .*"keyferry" out of --providers`),
        );
        assert.equal(await inode(bench.path()), before);
        const failure = await mountAsDriver(bench.path(), { parameters: {} }).catch((thrown: ServiceError) => thrown);
        assert.equal((failure as ServiceError).details, "foreign", "it still serves");
      });

    test("a process that answers nothing is never replaced", async () => {
      await mkdir(bench.directory);
      const mute = await listenAt(bench.path(), (line) => void line.on("error", () => undefined).resume());
      bench.later(() => void mute.close());
      await refused(bench.finish(bench.start()), /held by a process that answers no Version call/);
    });

    test("a process that speaks something else is never replaced", async () => {
      await mkdir(bench.directory);
      const other = await listenAt(bench.path(), (line) => {
        line.on("error", () => undefined).end("HTTP/1.1 400 Bad Request\r\n\r\n");
      });
      bench.later(() => void other.close());
      await refused(bench.finish(bench.start()), /held by a process that answers no Version call/);
    });

    test("a running keyferry hands over without a gap and leaves the successor alone", async () => {
      const first = await bench.start(answering(async () => oneFile));
      const driver = openDriverClient(first.path);
      bench.later(() => driver.close());
      await driver.mount({ parameters: {} });
      const successorFile = { ...oneFile, objectVersions: [{ id: "password", version: "8" }] };
      await bench.start(answering(async () => successorFile));
      const taken = await inode(first.path);
      const version = async (): Promise<unknown> =>
        (await mountAsDriver(first.path, { parameters: {} })).versions.get("password");
      assert.equal(await version(), "8");
      assert.equal((await driver.mount({ parameters: {} })).versions.get("password"), "7", "the old one serves on");
      await bench.when(() => bench.lines.some((line) => line.sentence.includes("was replaced")));
      await bench.clock.advance(10_000);
      assert.equal(await inode(first.path), taken, "the old one does not take it back");
      await bench.end(first);
      assert.equal(await inode(first.path), taken, "nor removes it at its end");
      assert.equal(await version(), "8");
      assert.equal(
        (await driver.mount({ parameters: {} })).versions.get("password"),
        "8",
        "a driver that stayed connected finds the new one",
      );
    });

    test("a successor that dies is succeeded", async () => {
      const { path } = await bench.start();
      await leaveDeadSocket(bench.path("moving"));
      await rename(bench.path("moving"), path);
      const dead = await inode(path);
      await bench.when(async () => ![undefined, dead].includes(await inode(path)));
      await works(path);
    });

    test("a file put in its place is left alone and reported once", async () => {
      const { path } = await bench.start();
      await rm(path);
      await writeFile(path, "mine");
      await bench.when(() => bench.lines.some((line) => line.sentence.includes("was replaced")));
      await bench.clock.advance(10_000);
      assert.equal(await readFile(path, "utf8"), "mine");
      assert.equal(bench.lines.filter((line) => line.sentence.includes("was replaced")).length, 1);
    });
  });

  suite("at its end", () => {
    test("is removed, and connections that are idle go", async () => {
      const server = await bench.start();
      const driver = openDriverClient(server.path);
      bench.later(() => driver.close());
      await driver.mount({ parameters: {} });
      await server.close();
      assert.deepEqual(await readdir(bench.directory), []);
      assert.equal(bench.clock.pending, 0, "no timer is left");
    });

    test("does not wait for a silent process that took its place", async () => {
      const server = await bench.start();
      await rm(server.path);
      let asked = false;
      const mute = await listenAt(server.path, (line) => {
        asked = true;
        line.on("error", () => undefined).resume();
      });
      bench.later(() => void mute.close());
      await bench.clock.advance(1_000);
      await bench.reaches(() => asked);
      await server.close();
      assert.ok((await lstat(server.path)).isSocket(), "it is not ours to remove");
    });

    test("lets a running call finish", async () => {
      const begun = Promise.withResolvers<void>();
      const finish = Promise.withResolvers<void>();
      const server = await bench.start(
        answering(async () => {
          begun.resolve();
          await finish.promise;
          return oneFile;
        }),
      );
      const mounting = mountAsDriver(server.path, { parameters: {} });
      await begun.promise;
      const closing = server.close();
      await bench.clock.advance(1_000);
      finish.resolve();
      assert.equal((await mounting).versions.get("password"), "7");
      await closing;
    });

    test("ends a call that hangs within 5 s and aborts its mount", async () => {
      const begun = Promise.withResolvers<AbortSignal>();
      const server = await bench.start(
        answering((_call, signal) => {
          begun.resolve(signal);
          return new Promise<never>(() => undefined);
        }),
      );
      const stop = new AbortController();
      const mounting = mountAsDriver(server.path, { parameters: {}, signal: stop.signal }).catch(() => "ended");
      const signal = await begun.promise;
      const closing = server.close();
      await bench.reaches(async () => (await inode(server.path)) === undefined && bench.clock.pending === 1);
      assert.equal(signal.aborted, false);
      await bench.clock.advance(4_000);
      await closing;
      await bench.reaches(() => signal.aborted);
      stop.abort();
      assert.equal(await mounting, "ended");
    });
  });
});

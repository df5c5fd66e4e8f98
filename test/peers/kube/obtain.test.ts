/** Programs that are there already are used, and only they. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { obtainControlPlane } from "./obtain.ts";

test("KUBEBUILDER_ASSETS supplies what it holds; the rest comes from the cache", async () => {
  const assets = await mkdtemp(join(tmpdir(), "keyferry-assets-"));
  const before = process.env.KUBEBUILDER_ASSETS;
  try {
    delete process.env.KUBEBUILDER_ASSETS;
    const built = await obtainControlPlane();
    for (const name of ["etcd", "kube-apiserver"]) await writeFile(join(assets, name), "");
    process.env.KUBEBUILDER_ASSETS = assets;
    assert.deepEqual(await obtainControlPlane(), {
      ...built,
      etcd: join(assets, "etcd"),
      "kube-apiserver": join(assets, "kube-apiserver"),
    });
  } finally {
    if (before === undefined) delete process.env.KUBEBUILDER_ASSETS;
    else process.env.KUBEBUILDER_ASSETS = before;
    await rm(assets, { recursive: true });
  }
});

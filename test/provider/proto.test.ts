import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { suite, test } from "node:test";
import { loadSync } from "@grpc/proto-loader";
import { codecOptions, providerService } from "../../proto/provider.ts";

const source = fileURLToPath(new URL("../../proto/provider.proto", import.meta.url));

suite("the provider contract", () => {
  const { Mount, Version } = providerService;

  test("provider.json says what provider.proto says", () => {
    const parsed = loadSync(source, codecOptions)["v1alpha1.CSIDriverProvider"] as unknown as typeof providerService;
    // The descriptors of the whole file are part of each method's request type.
    const described = (service: unknown): unknown => JSON.parse(JSON.stringify(service));
    assert.deepEqual(
      described(providerService),
      described(parsed),
      "write it again: new protobufjs.Root().loadSync('proto/provider.proto', { keepCase: true }).toJSON()",
    );
  });

  test("the calls are where drivers look for them", () => {
    assert.equal(Mount.path, "/v1alpha1.CSIDriverProvider/Mount");
    assert.equal(Version.path, "/v1alpha1.CSIDriverProvider/Version");
  });

  // Bytes by hand: tag = field number * 8 + wire type (0 varint, 2 length-delimited).
  test("field numbers of a request are the contract's", () => {
    const bytes = Mount.requestSerialize({
      attributes: "a",
      secrets: "s",
      target_path: "t",
      permission: "p",
      current_object_version: [{ id: "i", version: "v" }],
    });
    assert.equal(bytes.toString("hex"), "0a0161" + "120173" + "1a0174" + "220170" + "2a06" + "0a0169" + "120176");
  });

  test("field numbers of an answer are the contract's", () => {
    const bytes = Mount.responseSerialize({
      object_version: [{ id: "i", version: "v" }],
      error: { code: "c" },
      files: [{ path: "p", mode: 420, contents: Buffer.from([0, 255]) }],
    });
    assert.equal(
      bytes.toString("hex"),
      "0a06" + "0a0169" + "120176" + "1203" + "0a0163" + "1a0a" + "0a0170" + "10a403" + "1a0200ff",
    );
  });

  test("field numbers of the version calls are the contract's", () => {
    assert.equal(Version.requestSerialize({ version: "v" }).toString("hex"), "0a0176");
    const bytes = Version.responseSerialize({ version: "v", runtime_name: "n", runtime_version: "r" });
    assert.equal(bytes.toString("hex"), "0a0176" + "12016e" + "1a0172");
  });

  test("an absent field decodes to its default", () => {
    assert.deepEqual(Mount.requestDeserialize(Buffer.alloc(0)), {
      attributes: "",
      secrets: "",
      target_path: "",
      permission: "",
      current_object_version: [],
    });
  });
});

/**
 * Which room may import which: the rule of the house, checked by `npm test`.
 *
 * A room is a folder of plugin/. A new one gets a row here in the change that brings it.
 */

/** What every room above may use: words, parsed manifests, templates, files, logs, and what a store is. */
const floor = ["core", "manifests", "template", "files", "observe", "stores"];

/** Room → the other rooms that it may import. */
const rooms = {
  core: [],
  manifests: ["core"],
  template: ["core"],
  files: ["core"],
  observe: ["core", "manifests"],
  stores: ["core", "manifests", "template", "files"],
  read: floor,
  mount: [...floor, "read"],
  sync: [...floor, "read"],
  provider: [...floor, "read", "mount"],
  directory: floor,
  kube: floor,
  wire: [...floor, "read", "mount", "sync", "provider", "directory", "kube"],
  commands: ["core", "wire"],
};

/** Rooms whose interfaces another room implements: it may import their types and nothing that runs. */
const typesOnly = { directory: ["read", "mount", "sync"], kube: ["read", "mount", "sync"] };

const inRooms = (names) => `^plugin/(${names.join("|")})/`;

const roomRules = Object.entries(rooms).map(([room, others]) => ({
  name: `room-${room}`,
  comment: `${room} may import ${others.join(", ") || "no other room"}`,
  severity: "error",
  from: { path: inRooms([room]) },
  to: {
    path: ["^plugin/[^/]+/", "^plugin/main\\.ts"],
    pathNot: inRooms([room, ...others, ...(typesOnly[room] ?? [])]),
  },
}));

const typeRules = Object.entries(typesOnly).map(([room, others]) => ({
  name: `types-only-${room}`,
  comment: `${room} implements interfaces of ${others.join(", ")}: import type`,
  severity: "error",
  from: { path: inRooms([room]) },
  to: { path: inRooms(others), dependencyTypesNot: ["type-only"] },
}));

const rule = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });

module.exports = {
  forbidden: [
    ...roomRules,
    ...typeRules,
    rule("no-cycle", "modules that need each other are one module", {}, { circular: true }),
    rule("resolvable", "an import that leads nowhere", {}, { couldNotResolve: true }),
    rule(
      "kinds-are-strangers",
      "a store kind never imports another kind",
      { path: "^plugin/stores/([^/]+)/" },
      { path: "^plugin/stores/[^/]+/", pathNot: "^plugin/stores/$1/" },
    ),
    rule(
      "kinds-by-registry",
      "a store kind is reached through the registry alone",
      { path: "^plugin/", pathNot: "^plugin/stores/(registry\\.ts|[^/]+/)" },
      { path: "^plugin/stores/[^/]+/" },
    ),
    rule(
      "registry-by-wire",
      "the registry is imported by wire alone",
      { path: "^plugin/", pathNot: "^plugin/wire/" },
      { path: "^plugin/stores/registry\\.ts" },
    ),
    rule(
      "undici-by-wire",
      "the network is reached through HttpSend",
      { path: "^plugin/", pathNot: "^plugin/wire/" },
      { path: "node_modules/undici/" },
    ),
    rule(
      "config-by-wire",
      "a room gets what it needs as arguments",
      { path: "^plugin/[^/]+/", pathNot: inRooms(["wire", "commands"]) },
      { path: "^plugin/config[^/]*\\.ts" },
    ),
    rule(
      "proto-by-provider",
      "gRPC stays at the edge",
      { path: "^plugin/", pathNot: inRooms(["provider", "wire"]) },
      { path: "^proto/" },
    ),
    rule(
      "proto-is-alone",
      "proto/ knows nothing of ours",
      { path: "^proto/" },
      { path: "^(plugin|test|bench|tools)/" },
    ),
    rule(
      "product-is-alone",
      "the product uses no code of tests, benchmarks or tools",
      { path: "^plugin/" },
      { path: "^(test|bench|tools)/" },
    ),
    rule(
      "no-development-package",
      "the product uses no development dependency",
      { path: "^(plugin|proto)/" },
      { dependencyTypes: ["npm-dev"], dependencyTypesNot: ["type-only"], pathNot: "node_modules/@types/" },
    ),
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
      mainFields: ["module", "main", "types", "typings"],
    },
  },
};

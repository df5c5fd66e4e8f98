/** A semantic version as Masterminds/semver reads it: `1.2`, `v1`, 1.2.3-rc.1+build.5; leading zeros are let through. */
import { fail, secret } from "../errors.ts";
import { fn } from "../functions.ts";
import type { GoFunction } from "../functions.ts";
import { parseUnsigned } from "../parse-number.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";
import type { GoType } from "../types.ts";
import { namedType, stringType, uint64Type } from "../types.ts";
import { byBytes, GoNumber, GoObject, int } from "../values.ts";

export interface Version {
  readonly major: bigint;
  readonly minor: bigint;
  readonly patch: bigint;
  readonly prerelease: GoString;
  readonly metadata: GoString;
  /** The text that it was read from. */
  readonly original: GoString;
}

const none = ascii("");
const loose =
  /^v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?(?:\+([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*))?$/;

function segment(text: string | undefined): bigint {
  const read = parseUnsigned(text ?? "0");
  if (typeof read === "bigint") return read;
  return fail(`error parsing version segment: strconv.ParseUint: parsing "${secret(text!)}": ${read}`);
}

/** semver.NewVersion. */
export function parseVersion(text: GoString): Version {
  const [all, major, minor, patch, prerelease = "", metadata = ""] = loose.exec(text) ?? [];
  if (all === undefined) return fail("invalid semantic version");
  const version = {
    major: segment(major),
    minor: segment(minor),
    patch: segment(patch),
    prerelease: ascii(prerelease),
    metadata: ascii(metadata),
    original: text,
  };
  if (prerelease.split(".").some((part) => /^0[0-9]+$/.test(part))) fail("version segment starts with 0");
  return version;
}

/** The version without a leading v, always with three numbers. */
export function versionText({ major, minor, patch, prerelease, metadata }: Version): GoString {
  return ascii(`${major}.${minor}.${patch}${prerelease && `-${prerelease}`}${metadata && `+${metadata}`}`);
}

const order = <Item extends bigint | number>(a: Item, b: Item): number => (a < b ? -1 : a > b ? 1 : 0);

function comparePart(a: string, b: string): number {
  if (a === b) return 0;
  if (a === "" || b === "") return a === "" ? -1 : 1;
  const [x, y] = [parseUnsigned(a), parseUnsigned(b)];
  if (typeof x === "bigint" && typeof y === "bigint") return x > y ? 1 : -1;
  if (typeof x !== "bigint" && typeof y !== "bigint") return byBytes(a, b);
  return typeof x === "bigint" ? -1 : 1;
}

/** The order of pre-releases part by part: numbers before names, fewer parts before more. */
export function comparePrereleases(a: string, b: string): number {
  const [left, right] = [a.split("."), b.split(".")];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = comparePart(left[at] ?? "", right[at] ?? "");
    if (difference !== 0) return difference;
  }
  return 0;
}

/** -1, 0 or 1; a pre-release comes before its release, metadata does not count. */
export function compareVersions(a: Version, b: Version): number {
  const numbers = order(a.major, b.major) || order(a.minor, b.minor) || order(a.patch, b.patch);
  if (numbers !== 0) return numbers;
  if (a.prerelease === "" || b.prerelease === "")
    return order(Number(a.prerelease === ""), Number(b.prerelease === ""));
  return comparePrereleases(a.prerelease, b.prerelease);
}

type VersionObject = GoObject<Version>;

const get = (read: (version: Version) => GoNumber | GoString) => (self: VersionObject) =>
  fn([], () => read(self.state));
const number = (value: bigint): GoNumber => new GoNumber(uint64Type, value);

/** A version with changed parts; its original keeps a leading v. */
function changed(self: VersionObject, parts: Partial<Version>): GoObject<Version> {
  const next = { ...self.state, ...parts };
  const prefix = self.state.original.startsWith("v") ? "v" : "";
  return new GoObject(plainVersionType, { ...next, original: ascii(prefix + versionText(next)) });
}

const released = { prerelease: none, metadata: none };

const methods: Record<string, (self: VersionObject) => GoFunction> = {
  Major: get(({ major }) => number(major)),
  Minor: get(({ minor }) => number(minor)),
  Patch: get(({ patch }) => number(patch)),
  Prerelease: get(({ prerelease }) => prerelease),
  Metadata: get(({ metadata }) => metadata),
  String: get(versionText),
  IncPatch: (self) =>
    fn([], () => changed(self, { ...released, ...(self.state.prerelease === "" && { patch: self.state.patch + 1n }) })),
  IncMinor: (self) => fn([], () => changed(self, { ...released, minor: self.state.minor + 1n, patch: 0n })),
  IncMajor: (self) => fn([], () => changed(self, { ...released, major: self.state.major + 1n, minor: 0n, patch: 0n })),
  SetPrerelease: (self) => fn([stringType], ([text]) => changed(self, { prerelease: checkedPart(text, "prerelease") })),
  SetMetadata: (self) => fn([stringType], ([text]) => changed(self, { metadata: checkedPart(text, "metadata") })),
};

function checkedPart(text: GoString, part: "prerelease" | "metadata"): GoString {
  if (text === "") return text;
  if (!/^[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*$/.test(text)) fail(`invalid ${part} string`);
  if (part === "prerelease" && text.split(".").some((id) => /^0[0-9]+$/.test(id)))
    fail("version segment starts with 0");
  return text;
}

/** Methods of the pointer alone. */
const comparing =
  (use: (order: number) => boolean | bigint) =>
  (self: VersionObject): GoFunction =>
    fn([versionType], ([other]) => use(compareVersions(self.state, other.state)));

const pointerMethods: Record<string, (self: VersionObject) => GoFunction> = {
  Original: get(({ original }) => original),
  Compare: comparing((difference) => int(difference)),
  Equal: comparing((difference) => difference === 0),
  LessThan: comparing((difference) => difference < 0),
  LessThanEqual: comparing((difference) => difference <= 0),
  GreaterThan: comparing((difference) => difference > 0),
  GreaterThanEqual: comparing((difference) => difference >= 0),
};

const print = (self: VersionObject): GoString => versionText(self.state);

/** `semver.Version`: what IncMajor and its like give. */
export const plainVersionType: GoType<VersionObject> = namedType("semver.Version", "struct", { methods, print });

/** `*semver.Version`: what the function semver gives. */
export const versionType: GoType<VersionObject> = namedType("*semver.Version", "ptr", {
  methods: { ...methods, ...pointerMethods },
  print,
  elem: plainVersionType as unknown as GoType,
});

export const versionValue = (version: Version): VersionObject => new GoObject(versionType, version);

/** What a deep copy of a version is: Go cannot copy the fields that it hides. */
export const zeroVersion: VersionObject = versionValue({
  major: 0n,
  minor: 0n,
  patch: 0n,
  ...released,
  original: none,
});

/**
 * Sprig's semver and semverCompare: constraints in Masterminds' syntax (`>=1.2 <2 || ~3.1`, `1.2 - 2.0`, `^0.3`, `1.x`),
 * which is not npm's.
 *
 * A pre-release fits only where one of the constraints that stand together names a pre-release.
 */
import { fail, GoError, secret } from "../errors.ts";
import type { CallContext, FunctionTable } from "../functions.ts";
import { fn } from "../functions.ts";
import type { GoString } from "../text.ts";
import { ascii } from "../text.ts";
import { stringType } from "../types.ts";
import { scan } from "./costs.ts";
import type { Version } from "./semver-version.ts";
import { comparePrereleases, compareVersions, parseVersion, versionValue } from "./semver-version.ts";

interface Constraint {
  readonly version: Version;
  /** Which number was left out or an x, and with it all that follow. */
  readonly open: "major" | "minor" | "patch" | undefined;
}

type Check = (version: Version, constraint: Constraint) => boolean;

/** Spaces as RE2's \s knows them. */
const gap = "[\\t\\n\\f\\r ]";
const part = "[0-9xX*|]+";
const identifiers = "[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*";
const versionForm = `v?(${part})(?:\\.(${part}))?(?:\\.(${part}))?(-${identifiers})?(?:\\+${identifiers})?`;
const operators = ["!=", ">=", "=>", "<=", "=<", "~>", "=", ">", "<", "~", "\\^", ""];

const oneForm = new RegExp(`(${operators.join("|")})${gap}*(${versionForm})${gap}*`, "y");
const rangeForm = new RegExp(`${gap}*(${versionForm})${gap}+-${gap}+(${versionForm})${gap}*`, "g");
const separatorForm = new RegExp(`,${gap}*`, "y");

const isOpen = (number: string | undefined): boolean =>
  number === undefined || number === "x" || number === "X" || number === "*";

function constraintOf(match: RegExpExecArray): Constraint {
  const [, , text, major, minor, patch, prerelease = ""] = match;
  const [open, version] = isOpen(major)
    ? (["major", `0.0.0${prerelease}`] as const)
    : isOpen(minor)
      ? (["minor", `${major}.0.0${prerelease}`] as const)
      : isOpen(patch)
        ? (["patch", `${major}.${minor}.0${prerelease}`] as const)
        : ([undefined, text!] as const);
  try {
    return { version: parseVersion(ascii(version)), open };
  } catch (thrown) {
    if (thrown instanceof GoError) return fail("constraint parser error");
    throw thrown;
  }
}

/** ~1.2.3: not before it and within its minor version; ~1 within its major; ~0.0.0 and ~* everything from there on. */
const tilde: Check = (version, { version: wanted, open }) => {
  if (compareVersions(version, wanted) < 0) return false;
  const isZero = wanted.major === 0n && wanted.minor === 0n && wanted.patch === 0n;
  if (isZero && open !== "minor" && open !== "patch") return true;
  return version.major === wanted.major && (version.minor === wanted.minor || open === "minor");
};

/** ^1.2.3: not before it and equal up to the first number that is not zero. */
const caret: Check = (version, { version: wanted, open }) => {
  if (compareVersions(version, wanted) < 0) return false;
  if (wanted.major > 0n || open === "minor") return version.major === wanted.major;
  if (version.major > 0n) return false;
  if (wanted.minor > 0n || open === "patch") return version.minor === wanted.minor;
  return version.minor === 0n && version.patch === wanted.patch;
};

const equal: Check = (version, constraint) =>
  constraint.open ? tilde(version, constraint) : compareVersions(version, constraint.version) === 0;

/** !=1.2 leaves out all of 1.2, !=1 all of 1. */
const notEqual: Check = (version, { version: wanted, open }) => {
  if (!open || open === "major") return compareVersions(version, wanted) !== 0;
  if (version.major !== wanted.major) return true;
  if (open === "minor") return false;
  return version.minor !== wanted.minor || comparePrereleases(version.prerelease, wanted.prerelease) !== 0;
};

/** >1.2 means from 1.3 on. */
const greater: Check = (version, { version: wanted, open }) => {
  if (!open || open === "major") return compareVersions(version, wanted) > 0;
  if (version.major !== wanted.major) return version.major > wanted.major;
  return open === "patch" && version.minor > wanted.minor;
};

/** <=1.2 includes all of 1.2. */
const lessOrEqual: Check = (version, { version: wanted, open }) => {
  if (!open) return compareVersions(version, wanted) <= 0;
  if (version.major !== wanted.major) return version.major < wanted.major;
  return version.minor <= wanted.minor || open === "minor";
};

const less: Check = (version, { version: wanted }) => compareVersions(version, wanted) < 0;
const greaterOrEqual: Check = (version, { version: wanted }) => compareVersions(version, wanted) >= 0;

const checks: ReadonlyMap<string, Check> = new Map([
  ["", equal],
  ["=", equal],
  ["!=", notEqual],
  [">", greater],
  ["<", less],
  [">=", greaterOrEqual],
  ["=>", greaterOrEqual],
  ["<=", lessOrEqual],
  ["=<", lessOrEqual],
  ["~", tilde],
  ["~>", tilde],
  ["^", caret],
]);

type Group = readonly { readonly check: Check; readonly constraint: Constraint }[];

/** Constraints that must hold together, with spaces or commas between them. */
function parseGroup(text: string): Group {
  const improper = (): never => fail(`improper constraint: ${secret(text)}`);
  const matches: RegExpExecArray[] = [];
  let at = /^[\t\n\f\r ]*/.exec(text)![0].length;
  for (;;) {
    oneForm.lastIndex = at;
    const match = oneForm.exec(text);
    if (!match) return improper();
    matches.push(match);
    at = oneForm.lastIndex;
    if (at === text.length) break;
    separatorForm.lastIndex = at;
    if (separatorForm.test(text)) at = separatorForm.lastIndex;
    else if (!/[\t\n\f\r ]/.test(text.charAt(at - 1))) return improper();
  }
  return matches.map((match) => ({ check: checks.get(match[1]!)!, constraint: constraintOf(match) }));
}

function compare(ctx: CallContext, constraints: GoString, version: GoString): boolean {
  scan(ctx, constraints, version);
  // Looking for `a - b` may try every start again.
  ctx.charge(Math.floor(constraints.length ** 2 / 4096));
  const plain = constraints.replace(rangeForm, (...found) => `>= ${String(found[1])}, <= ${String(found[6])} `);
  const groups = plain.split("||").map(parseGroup);
  const wanted = parseVersion(version);
  return groups.some((group) => {
    const prereleases = group.some(({ constraint }) => constraint.version.prerelease !== "");
    if (wanted.prerelease !== "" && !prereleases) return false;
    return group.every(({ check, constraint }) => check(wanted, constraint));
  });
}

export const semverFunctions: FunctionTable = {
  semver: fn([stringType], ([text], ctx) => {
    scan(ctx, text);
    return versionValue(parseVersion(text));
  }),
  semverCompare: fn([stringType, stringType], ([constraints, version], ctx) => compare(ctx, constraints, version)),
};

/**
 * Which hosts are reached without the proxy that all others go through: the list that other programs know as NO_PROXY,
 * read as Go's programs read it. Names are compared, never resolved.
 */
import { BlockList, isIP } from "node:net";
import { isCidr } from "./http-address.ts";

/** Of a list that `isNoProxyEntry` accepts. */
export type NoProxy = (url: URL) => boolean;

/**
 * `*`, `vault.example.com` (and every name below it), `.example.com` (the names below it alone), an address or network
 * (`10.0.0.0/8`, for URLs with an IP address). Names and addresses may end in a port: `vault.example.com:8200`.
 */
export function isNoProxyEntry(entry: string): boolean {
  if (entry === "*" || isCidr(entry)) return true;
  const { host, port } = split(entry);
  if (port !== undefined && !(Number(port) >= 1 && Number(port) <= 65_535)) return false;
  return isIP(host) !== 0 || /^(?:\*?\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?$/i.test(host);
}

export function createNoProxy(entries: readonly string[]): NoProxy {
  const tests = entries.map(testOf);
  return (url) => {
    const host = plain(url.hostname);
    const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
    return tests.some((matches) => matches(host, port));
  };
}

type HostTest = (host: string, port: string) => boolean;

function testOf(entry: string): HostTest {
  if (entry === "*") return () => true;
  if (isCidr(entry)) return inNetwork(entry);
  const wanted = split(entry);
  const matches = isIP(wanted.host) === 0 ? byName(wanted.host) : inNetwork(wanted.host);
  return (host, port) => (wanted.port === undefined || wanted.port === port) && matches(host, port);
}

function byName(entry: string): HostTest {
  const name = plain(entry).replace(/^\*\./, ".");
  if (name.startsWith(".")) return (host) => host.endsWith(name) && isIP(host) === 0;
  return (host) => host === name || (host.endsWith(`.${name}`) && isIP(host) === 0);
}

function inNetwork(cidr: string): HostTest {
  const [address = "", prefix] = cidr.split("/");
  const family = isIP(address) === 4 ? "ipv4" : "ipv6";
  const list = new BlockList();
  list.addSubnet(address, prefix === undefined ? (family === "ipv4" ? 32 : 128) : Number(prefix), family);
  return (host) => isIP(host) !== 0 && list.check(host, isIP(host) === 4 ? "ipv4" : "ipv6");
}

/** `[::1]:8200` and `::1` are the address, with and without a port. */
function split(entry: string): { readonly host: string; readonly port?: string } {
  if (isIP(entry) !== 0) return { host: entry };
  const [, bracketed, bare = "", port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(entry) ?? [];
  // What only looks like an address in brackets is no name either.
  const host = bracketed === undefined ? bare : isIP(bracketed) === 6 ? bracketed : "";
  return { host, ...(port === undefined ? {} : { port }) };
}

/** Without brackets and the dot of a name that is already whole. */
function plain(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");
}

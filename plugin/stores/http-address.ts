/**
 * Which IP addresses a store may have. A store's URL is tenant input: without this a SecretStore could name a cloud's
 * metadata service, or a socket of this node, and read what it answers.
 *
 * Asked with the address that is really connected to, after name resolution, so that no DNS answer gets round it.
 */
import { BlockList, isIP, isIPv4 } from "node:net";

export interface AddressRules {
  readonly allowLoopback: boolean;
  /** False: http:// reaches exempt addresses only. */
  readonly allowPlainHttp: boolean;
  /** Where this process finds its own API server: single IP addresses that no manifest may send a request to. */
  readonly apiServer: readonly string[];
  /** `10.0.0.0/8`, `fd00::/8` or single addresses that are allowed whatever the rules say. */
  readonly exemptCidrs: readonly string[];
}

/** The rule that refuses an address (`a link-local address`), or undefined when it is allowed. */
export type AddressCheck = (address: string, isPlainHttp: boolean) => string | undefined;

const loopback = ["127.0.0.0/8", "0.0.0.0/8", "::1", "::"];
const linkLocal = ["169.254.0.0/16", "fe80::/10"];
/** Instance metadata outside link-local: AWS (and its pod identity), Google, Alibaba, Azure's wire server, Oracle. */
const metadata = ["fd00:ec2::/32", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"];

/** Throws RangeError when a CIDR cannot be read; `isCidr` says so beforehand. */
export function createAddressCheck(rules: AddressRules): AddressCheck {
  const exempt = listOf(rules.exemptCidrs);
  const refused: readonly (readonly [string, BlockList])[] = [
    ["a link-local address", listOf(linkLocal)],
    ["a metadata address", listOf(metadata)],
    ["the address of the API server", listOf(rules.apiServer)],
    ...(rules.allowLoopback ? [] : [["a loopback address", listOf(loopback)] as const]),
  ];
  return (address, isPlainHttp) => {
    const plain = withoutMapping(address);
    const family = isIPv4(plain) ? "ipv4" : "ipv6";
    if (exempt.check(plain, family)) return undefined;
    const rule = refused.find(([, list]) => list.check(plain, family))?.[0];
    return rule ?? (isPlainHttp && !rules.allowPlainHttp ? "reached without TLS (http://)" : undefined);
  };
}

export function isCidr(text: string): boolean {
  const [address = "", prefix, ...rest] = text.split("/");
  const family = isIP(address);
  if (family === 0 || rest.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}

function listOf(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    if (!isCidr(cidr)) throw new RangeError(`not an address or CIDR: ${cidr}`);
    const [address, prefix] = cidr.split("/") as [string, string?];
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

/** An IPv4 address inside an IPv6 one (mapped `::ffff:`, NAT64 `64:ff9b::`) reaches the IPv4 host. */
function withoutMapping(address: string): string {
  const bare = address.replace(/%.*$/, "");
  if (isIPv4(bare)) return bare;
  // The URL parser writes every spelling of an IPv6 address as the shortest one, with hexadecimal groups.
  const shortest = URL.parse(`http://[${bare}]/`)?.hostname.slice(1, -1) ?? bare;
  const match = /^(?:::ffff:|64:ff9b::)([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(shortest);
  if (!match) return shortest;
  const [high, low] = [Number.parseInt(match[1]!, 16), Number.parseInt(match[2]!, 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}

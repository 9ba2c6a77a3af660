/** Which network addresses may be reached on somebody else's word: those of the public internet, and no others. */
import ipaddr from 'ipaddr.js';

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Public by their range, or private ones that even an operator's network must not offer: services that hand out credentials. */
const metadataServices = ['168.63.129.16', '100.100.100.200', '192.0.0.192', 'fd00:ec2::254'].map((text) =>
  ipaddr.parse(text).toString(),
);

const privateRanges: readonly string[] = ['private', 'carrierGradeNat', 'loopback', 'uniqueLocal'];

/** Addresses that IANA has given out to the public internet; the library calls all unicast that has no other name. */
const globalUnicast = ipaddr.IPv6.parseCIDR('2000::/3');
const nat64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');

/**
 * Whether a connection to this address (IPv4 or IPv6, as a resolver answers it) may be opened. Only global unicast is;
 * with `allowPrivate` private networks and loopback too. Link-local addresses, among them the metadata services of
 * clouds, are never. An IPv4 address inside an IPv6 one (mapped, NAT64) is judged as what it is; tunnels (6to4, Teredo) are refused.
 */
export function mayReach(text: string, allowPrivate: boolean): boolean {
  if (!ipaddr.isValid(text)) return false;
  const address = unwrap(ipaddr.parse(text));
  if (metadataServices.includes(address.toString())) return false;
  const range = address.range();
  if (allowPrivate && privateRanges.includes(range)) return true;
  return range === 'unicast' && (address.kind() === 'ipv4' || address.match(globalUnicast));
}

/** RFC 4291 §2.5.5.2 (`::ffff:0:0/96`) and RFC 6052 §2.1: in both, the last four bytes are the IPv4 address. */
function unwrap(address: Address): Address {
  const holdsIPv4 = address.kind() === 'ipv6' && (address.range() === 'ipv4Mapped' || address.match(nat64));
  return holdsIPv4 ? new ipaddr.IPv4(address.toByteArray().slice(-4)) : address;
}

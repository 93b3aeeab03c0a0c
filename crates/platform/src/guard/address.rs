//! Which addresses are public: all but those in the IANA special-purpose registries (RFC 6890).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether an address is globally reachable unicast. An IPv4 address embedded in an IPv6 one is judged as IPv4.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let within = |(net, bits): &(Ipv4Addr, u32)| {
        let shift = 32 - bits;
        address.to_bits() >> shift == net.to_bits() >> shift
    };
    !SPECIAL_V4.iter().any(within)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    if let Some(inner) = embedded(address) {
        return is_public_v4(inner);
    }
    GLOBAL_UNICAST.contains(address) && !SPECIAL_V6.iter().any(|net| net.contains(address))
}

/// The IPv4 address in a mapped, NAT64 or 6to4 address: the one that packets would reach.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    let low = |shift: u32| u32::try_from((bits >> shift) & u128::from(u32::MAX)).ok();
    let inner = if MAPPED.contains(address) || NAT64.contains(address) {
        low(0)
    } else if SIX_TO_FOUR.contains(address) {
        low(80)
    } else {
        None
    };
    inner.map(Ipv4Addr::from_bits)
}

/// The IPv4 address of whoever is behind a translator or a tunnel: that of `embedded`, or behind one of a site's own (RFC 8215) and a
/// stateless one (RFC 2765 section 2.1).
pub fn translated_ipv4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let own = LOCAL_NAT64.contains(address) || STATELESS.contains(address);
    let low = u32::try_from(address.to_bits() & u128::from(u32::MAX)).ok();
    embedded(address).or_else(|| low.filter(|_| own).map(Ipv4Addr::from_bits))
}

/// A prefix and its length in bits.
struct V6Network(Ipv6Addr, u32);

impl V6Network {
    fn contains(&self, address: Ipv6Addr) -> bool {
        let shift = 128 - self.1;
        address.to_bits() >> shift == self.0.to_bits() >> shift
    }
}

const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    // This network (RFC 791), private (RFC 1918), carrier-grade NAT (RFC 6598), loopback, link-local (RFC 3927).
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // IETF protocol assignments, 6to4 relays (RFC 7526), benchmarks (RFC 2544).
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    // Documentation (RFC 5737).
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast; reserved, and broadcast with it.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

const GLOBAL_UNICAST: V6Network = V6Network(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const MAPPED: V6Network = V6Network(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96);
const NAT64: V6Network = V6Network(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);
const LOCAL_NAT64: V6Network = V6Network(Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, 0, 0), 48);
const STATELESS: V6Network = V6Network(Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, 0, 0), 96);
const SIX_TO_FOUR: V6Network = V6Network(Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16);

/// Within global unicast: IETF protocol assignments with Teredo and benchmarks, and documentation (RFC 3849, RFC 9637).
/// Loopback, link-local, unique-local, multicast and the rest lie outside it.
const SPECIAL_V6: [V6Network; 3] = [
    V6Network(Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    V6Network(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    V6Network(Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

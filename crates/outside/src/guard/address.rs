//! Which addresses are public: the IANA registries of special-purpose addresses (RFC 6890), read as a list of what is not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Whether a server on the open Internet can have it. An IPv4 address inside an IPv6 one counts as itself.
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
    is_within(address, GLOBAL_UNICAST) && !SPECIAL_V6.iter().any(|net| is_within(address, *net))
}

/// The IPv4 address that packets to this one would reach.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = address.to_bits();
    let low = |shift: u32| u32::try_from((bits >> shift) & u128::from(u32::MAX)).ok();
    let inner = if is_within(address, MAPPED) || is_within(address, NAT64) {
        low(0)
    } else if is_within(address, SIX_TO_FOUR) {
        low(80)
    } else {
        None
    };
    inner.map(Ipv4Addr::from_bits)
}

fn is_within(address: Ipv6Addr, (net, bits): (Ipv6Addr, u32)) -> bool {
    let shift = 128 - bits;
    address.to_bits() >> shift == net.to_bits() >> shift
}

const SPECIAL_V4: [(Ipv4Addr, u32); 15] = [
    // This network (RFC 791), private (RFC 1918), carriers' NAT (RFC 6598), loopback, link-local (RFC 3927).
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    // Protocols of the IETF, 6to4 relays (RFC 7526), benchmarks (RFC 2544).
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

const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const MAPPED: (Ipv6Addr, u32) = (Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0), 96);
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);
const SIX_TO_FOUR: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16);

/// Within global unicast: protocols of the IETF with Teredo and benchmarks, and documentation (RFC 3849, RFC 9637).
/// Loopback, link-local, unique-local, multicast and the rest lie outside it.
const SPECIAL_V6: [(Ipv6Addr, u32); 3] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

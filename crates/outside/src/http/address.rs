use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use base::IpNet;

/// Why an address is not called, or none when it may be.
///
/// What is not plainly the public internet is refused. An IPv6 address that carries an IPv4 one is judged by that one:
/// a gateway would take it there.
pub fn refusal(ip: IpAddr, allowed: &[IpNet]) -> Option<&'static str> {
    if allowed.iter().any(|net| net.contains(ip)) {
        return None;
    }
    match ip.to_canonical() {
        IpAddr::V4(v4) => refusal_v4(v4),
        IpAddr::V6(v6) => refusal_v6(v6),
    }
}

fn refusal_v4(ip: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, _] = ip.octets();
    match (a, b, c) {
        (0, ..) => Some("an address of no host"),
        (127, ..) => Some("a loopback address"),
        (10, ..) | (172, 16..=31, _) | (192, 168, _) => Some("a private address"),
        (100, 64..=127, _) => Some("a carrier's shared address"),
        (169, 254, _) => Some("a link-local address"),
        (192, 0, 0 | 2) | (192, 88, 99) | (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) => {
            Some("a reserved address")
        }
        (224..=239, ..) => Some("a multicast address"),
        (240..=255, ..) => Some("a reserved address"),
        _ => None,
    }
}

fn refusal_v6(ip: Ipv6Addr) -> Option<&'static str> {
    let s = ip.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    if ip.is_unspecified() {
        return Some("an address of no host");
    }
    if ip.is_loopback() {
        return Some("a loopback address");
    }
    match s {
        // NAT64: the last four bytes are where it goes.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => refusal_v4(v4(high, low)),
        // 6to4: the four bytes after the prefix.
        [0x2002, high, low, ..] => refusal_v4(v4(high, low)),
        [0x2001, 0, ..] => Some("a tunnelled address"),
        [0x2001, 0xdb8, ..] => Some("a reserved address"),
        [a, ..] if a & 0xfe00 == 0xfc00 => Some("a private address"),
        [a, ..] if a & 0xffc0 == 0xfe80 => Some("a link-local address"),
        [a, ..] if a & 0xff00 == 0xff00 => Some("a multicast address"),
        [a, ..] if a & 0xe000 == 0x2000 => None,
        // `::a.b.c.d`, local NAT64, site-local, discard and what nobody was given.
        _ => Some("a reserved address"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(ip: &str) -> Option<&'static str> {
        refusal(ip.parse().unwrap(), &[])
    }

    #[test]
    fn what_is_not_the_public_internet_is_refused_in_every_spelling() {
        for ip in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "::10.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::1",
            "2002:a00:1::",
            "2002:7f00:1::1",
            "2002:a9fe:a9fe::",
            "2001::1",
            "2001:db8::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "100::1",
            "4000::1",
        ] {
            assert!(refused(ip).is_some(), "{ip}");
        }
        for ip in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.1",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.1.1",
            "223.255.255.255",
            "2606:4700::1111",
            "64:ff9b::1.1.1.1",
            "2002:101:101::1",
            "::ffff:1.1.1.1",
        ] {
            assert_eq!(refused(ip), None, "{ip}");
        }
    }

    #[test]
    fn an_operator_allows_a_network_and_nothing_beside_it() {
        let allowed = ["10.1.0.0/16".parse().unwrap(), "fd12::/16".parse().unwrap()];
        let refused = |ip: &str| refusal(ip.parse().unwrap(), &allowed).is_some();
        assert!(!refused("10.1.2.3") && !refused("::ffff:10.1.2.3") && !refused("fd12::7"));
        assert!(
            refused("10.2.0.1") && refused("127.0.0.1") && refused("fd13::7") && refused("64:ff9b::10.1.2.3")
        );
    }
}

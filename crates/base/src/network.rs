use std::{fmt, net::IpAddr, str::FromStr};

use crate::{Error, Result};

/// `10.0.0.0/8`, or a single address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpNet {
    pub address: IpAddr,
    pub prefix: u8,
}

impl FromStr for IpNet {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let refuse =
            || Error::invalid("network.malformed", "addresses or networks such as 127.0.0.1 or 10.0.0.0/8");
        let (address, prefix) = match text.split_once('/') {
            Some((a, p)) => {
                (a.parse::<IpAddr>().map_err(|_| refuse())?, Some(p.parse::<u8>().map_err(|_| refuse())?))
            }
            None => (text.parse::<IpAddr>().map_err(|_| refuse())?, None),
        };
        let whole = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.unwrap_or(whole);
        if prefix > whole { Err(refuse()) } else { Ok(Self { address, prefix }) }
    }
}

impl fmt::Display for IpNet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl IpNet {
    /// Whether the address is in the network; `::ffff:a.b.c.d` is `a.b.c.d`.
    pub fn contains(&self, ip: IpAddr) -> bool {
        let bits = |ip: IpAddr| match ip {
            IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, 32),
            IpAddr::V6(v6) => (u128::from(v6), 128),
        };
        let ((a, width), (b, other)) = (bits(self.address), bits(ip.to_canonical()));
        width == other && (self.prefix == 0 || (a ^ b) >> (128 - u32::from(self.prefix)) == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_what_they_should() {
        let net: IpNet = "10.0.0.0/8".parse().unwrap();
        assert!(net.contains("10.1.2.3".parse().unwrap()));
        assert!(!net.contains("11.1.2.3".parse().unwrap()));
        assert!("127.0.0.1".parse::<IpNet>().unwrap().contains("::ffff:127.0.0.1".parse().unwrap()));
        assert!("::/0".parse::<IpNet>().unwrap().contains("2001:db8::1".parse().unwrap()));
        assert!("10.0.0.0/33".parse::<IpNet>().is_err());
    }
}

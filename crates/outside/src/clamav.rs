use std::{io, net::IpAddr, path::PathBuf, time::Duration};

use async_trait::async_trait;
use base::{Error, Kind, Result};
use bytes::Bytes;
use engine::outside::{ScanError, Scanner, Verdict};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
    sync::Semaphore,
    time::timeout,
};

/// Bytes sent at once.
const PIECE: usize = 64 * 1024;
/// clamd's answers are one line.
const MAX_ANSWER: u64 = 4096;

/// How to reach clamd. The `[clamav]` table of the configuration.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClamAvConfig {
    /// `unix:/run/clamav/clamd.ctl` or `tcp:127.0.0.1:3310`. What is scanned travels in the clear.
    pub address: String,
    /// For one file, connecting included. clamd itself gives up after its `MaxScanTime`, 120 seconds by default.
    #[serde(default = "default_timeout")]
    pub timeout_seconds: u32,
    /// Files looked at together. clamd queues more than its `MaxThreads` (10 by default).
    #[serde(default = "default_parallel")]
    pub parallel: u32,
}

fn default_timeout() -> u32 {
    150
}
fn default_parallel() -> u32 {
    4
}

/// Has files looked into by clamd, over `INSTREAM`.
///
/// clamd refuses a stream longer than its `StreamMaxLength` (25 MB by default): set it to the largest attachment.
pub struct ClamAv {
    address: Address,
    limit: Duration,
    permits: Semaphore,
}

enum Address {
    Unix(PathBuf),
    Tcp(String),
}

impl ClamAv {
    pub fn new(config: &ClamAvConfig) -> Result<Self> {
        let address = match config.address.split_once(':') {
            Some(("unix", path)) if path.starts_with('/') => Address::Unix(path.into()),
            Some(("tcp", rest)) if host_and_port(rest) => Address::Tcp(rest.to_owned()),
            _ => {
                return Err(Error::field(
                    "clamav.address",
                    "clamav.address",
                    "expected unix:/run/clamav/clamd.ctl or tcp:127.0.0.1:3310",
                ));
            }
        };
        for (field, number) in [("timeout_seconds", config.timeout_seconds), ("parallel", config.parallel)] {
            if !(1..=3600).contains(&number) {
                return Err(Error::field(format!("clamav.{field}"), "clamav.number", "expected 1 to 3600"));
            }
        }
        Ok(Self {
            address,
            limit: Duration::from_secs(config.timeout_seconds.into()),
            permits: Semaphore::new(config.parallel as usize),
        })
    }

    /// What `doctor` says: clamd's version and that of its signatures, such as `ClamAV 1.4.6/27800/…`.
    pub async fn version(&self) -> Result<String> {
        let refuse = |error: ScanError| Error::new(Kind::Unavailable, "clamav.unreachable", error.detail);
        self.ask(b"zVERSION\0", &[]).await.map_err(refuse)
    }

    async fn ask(&self, command: &[u8], content: &[u8]) -> Result<String, ScanError> {
        let exchange = async {
            match &self.address {
                Address::Unix(path) => {
                    let stream = UnixStream::connect(path).await.map_err(|error| unreachable(&error))?;
                    exchange(stream, command, content).await
                }
                Address::Tcp(address) => {
                    let stream = TcpStream::connect(address).await.map_err(|error| unreachable(&error))?;
                    exchange(stream, command, content).await
                }
            }
        };
        timeout(self.limit, exchange).await.map_err(|_| ScanError::new("clamd did not answer in time"))?
    }
}

fn host_and_port(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let named =
            !host.is_empty() && host.bytes().all(|c| c.is_ascii_alphanumeric() || b".-_".contains(&c));
        (named || bare.parse::<IpAddr>().is_ok()) && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

#[async_trait]
impl Scanner for ClamAv {
    async fn scan(&self, content: Bytes) -> Result<Verdict, ScanError> {
        let _permit = self.permits.acquire().await.map_err(|_| ScanError::new("the scanner is closed"))?;
        read_verdict(&self.ask(b"zINSTREAM\0", &content).await?)
    }
}

/// Sends the command, for `INSTREAM` with the content in pieces of a length each, and reads the answer.
async fn exchange<S>(mut stream: S, command: &[u8], content: &[u8]) -> Result<String, ScanError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let sent = send(&mut stream, command, content).await;
    // Also when it stopped listening: then it has said why.
    let mut answer = Vec::new();
    let heard = stream.take(MAX_ANSWER).read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    let answer = answer.trim_end_matches(['\0', '\n', '\r']);
    match (sent, heard) {
        _ if !answer.is_empty() => Ok(one_line(answer)),
        (Err(error), _) | (_, Err(error)) => Err(ScanError::new(format!("clamd hung up: {error}"))),
        _ => Err(ScanError::new("clamd hung up without an answer")),
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), command: &[u8], content: &[u8]) -> io::Result<()> {
    stream.write_all(command).await?;
    if command.starts_with(b"zINSTREAM") {
        for piece in content.chunks(PIECE) {
            stream.write_u32(u32::try_from(piece.len()).unwrap_or_default()).await?;
            stream.write_all(piece).await?;
        }
        stream.write_u32(0).await?;
    }
    stream.flush().await
}

/// Only what says clean is clean.
fn read_verdict(answer: &str) -> Result<Verdict, ScanError> {
    let said = answer.strip_prefix("stream: ").unwrap_or(answer);
    if said == "OK" {
        return Ok(Verdict::Clean);
    }
    match said.strip_suffix(" FOUND") {
        Some(name) => Ok(Verdict::Infected { name: name.chars().take(200).collect() }),
        None => Err(ScanError::new(format!("clamd says: {answer}"))),
    }
}

fn unreachable(error: &io::Error) -> ScanError {
    ScanError::new(format!("clamd cannot be reached: {error}"))
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(400).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ok_is_clean() {
        assert_eq!(read_verdict("stream: OK"), Ok(Verdict::Clean));
        let infected = Verdict::Infected { name: "Win.Test.EICAR_HDB-1".into() };
        assert_eq!(read_verdict("stream: Win.Test.EICAR_HDB-1 FOUND"), Ok(infected));
        for odd in [
            "",
            "stream: ",
            "OKAY",
            "INSTREAM size limit exceeded. ERROR",
            "stream: not OK",
            "UNKNOWN COMMAND",
        ] {
            assert!(read_verdict(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn addresses() {
        let new = |address: &str| {
            ClamAv::new(&ClamAvConfig { address: address.into(), timeout_seconds: 1, parallel: 1 }).is_ok()
        };
        assert!(new("unix:/run/clamav/clamd.ctl") && new("tcp:127.0.0.1:3310") && new("tcp:[::1]:3310"));
        assert!(new("tcp:clamd.internal:3310"));
        for bad in [
            "",
            "/run/clamd.ctl",
            "unix:clamd",
            "tcp:3310",
            "tcp::3310",
            "tcp:a b:1",
            "tcp:host:0",
            "http://x",
        ] {
            assert!(!new(bad), "{bad}");
        }
    }
}

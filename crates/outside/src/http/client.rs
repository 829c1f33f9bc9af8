use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use base::{IpNet, Result};
use bytes::{Bytes, BytesMut};
use engine::outside::{HttpAnswer, HttpClient, HttpError, HttpRequest, Method};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::OnceCell,
    time::timeout,
};

use super::{OutgoingConfig, refusal, target::Target, tls};

const CONNECT_MAX: Duration = Duration::from_secs(5);
const TOTAL_MAX: Duration = Duration::from_secs(15);
/// Of the answer's body; the rest is not read.
const BODY_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 64;
const HEADER_BYTES_MAX: usize = 32 * 1024;
/// Addresses of one name that are tried, in their order.
const ADDRESSES_MAX: usize = 3;

/// Turns a name into addresses.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// Opens a connection to an address that was looked at.
#[async_trait]
pub trait Dial: Send + Sync + 'static {
    async fn dial(&self, to: SocketAddr) -> io::Result<TcpStream>;
}

struct System;

#[async_trait]
impl Resolve for System {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|a| a.ip()).collect())
    }
}
#[async_trait]
impl Dial for System {
    async fn dial(&self, to: SocketAddr) -> io::Result<TcpStream> {
        TcpStream::connect(to).await
    }
}

/// The live [`HttpClient`]. A connection for each call: peers are many and calls to each are few.
pub struct Outgoing {
    allowed: Vec<IpNet>,
    certificates: Vec<CertificateDer<'static>>,
    // Made at the first call over TLS: a system without certificates can still do everything else.
    tls: OnceCell<Arc<rustls::ClientConfig>>,
    resolver: Arc<dyn Resolve>,
    dialler: Arc<dyn Dial>,
    total_max: Duration,
}

impl Outgoing {
    pub fn new(config: &OutgoingConfig) -> Result<Self> {
        let certificates = match &config.ca_file {
            Some(file) => tls::read_certificates(file, "outgoing.ca_file")?,
            None => Vec::new(),
        };
        Ok(Self {
            allowed: config.allow_networks.clone(),
            certificates,
            tls: OnceCell::new(),
            resolver: Arc::new(System),
            dialler: Arc::new(System),
            total_max: TOTAL_MAX,
        })
    }

    /// Names and connections by other means, for tests.
    #[must_use]
    pub fn with(mut self, resolver: Arc<dyn Resolve>, dialler: Arc<dyn Dial>) -> Self {
        self.resolver = resolver;
        self.dialler = dialler;
        self
    }

    /// Another limit for the whole call than fifteen seconds, for tests.
    #[must_use]
    pub fn within(mut self, total: Duration) -> Self {
        self.total_max = total;
        self
    }

    /// The addresses of a target, every one of them looked at.
    async fn addresses(&self, target: &Target) -> Result<Vec<IpAddr>, Stop> {
        let found = match (target.literal(), &target.host) {
            (Some(ip), _) => vec![ip],
            (None, host) => self
                .resolver
                .resolve(&host.to_string())
                .await
                .map_err(|e| Stop::Failed(format!("the name {host} cannot be resolved: {e}")))?,
        };
        if found.is_empty() {
            return Err(Stop::Failed(format!("the name {} has no address", target.host)));
        }
        // One bad address refuses the name: which of them is taken is not for the name's owner to play with.
        for ip in &found {
            if let Some(reason) = refusal(*ip, &self.allowed) {
                return Err(Stop::Refused(format!(
                    "{} leads to {ip}, {reason}, which is not called",
                    target.host
                )));
            }
        }
        Ok(found)
    }

    async fn connect(&self, target: &Target, addresses: &[IpAddr]) -> Result<TcpStream, Stop> {
        let mut last = String::new();
        for ip in addresses.iter().take(ADDRESSES_MAX) {
            match self.dialler.dial(SocketAddr::new(*ip, target.port)).await {
                Ok(stream) => return Ok(stream),
                Err(e) => last = format!("no connection to {ip} port {}: {e}", target.port),
            }
        }
        Err(Stop::Failed(last))
    }

    async fn tls_config(&self) -> Result<Arc<rustls::ClientConfig>, Stop> {
        let made = self.tls.get_or_try_init(async || tls::client_config(&self.certificates)).await;
        made.cloned().map_err(|e| Stop::Failed(format!("TLS cannot be used: {e}")))
    }

    async fn exchange(&self, request: HttpRequest) -> Result<(u16, Option<String>, Bytes), Stop> {
        let target =
            Target::parse(&request.url, &self.allowed).map_err(|e| Stop::Refused(e.message().to_owned()))?;
        let connected = timeout(CONNECT_MAX, async {
            let addresses = self.addresses(&target).await?;
            self.connect(&target, &addresses).await
        });
        let stream = connected.await.map_err(|_| Stop::Failed("no connection within 5 seconds".into()))??;
        if !target.tls {
            return talk(stream, &target, request).await;
        }
        let name = ServerName::try_from(target.host.to_string().trim_matches(['[', ']']).to_owned())
            .map_err(|e| Stop::Failed(format!("no name for TLS: {e}")))?;
        let connector = tokio_rustls::TlsConnector::from(self.tls_config().await?);
        let stream = connector
            .connect(name, stream)
            .await
            .map_err(|e| Stop::Failed(format!("TLS with {} failed: {e}", target.host)))?;
        talk(stream, &target, request).await
    }
}

enum Stop {
    Refused(String),
    Failed(String),
}

async fn talk<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    target: &Target,
    request: HttpRequest,
) -> Result<(u16, Option<String>, Bytes), Stop> {
    let broken = |e: hyper::Error| Stop::Failed(format!("the connection broke: {e}"));
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEADER_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broken)?;
    let method = match request.method {
        Method::Get => hyper::Method::GET,
        Method::Post => hyper::Method::POST,
    };
    let mut wire = Request::builder()
        .method(method)
        .uri(&target.path)
        .header(header::HOST, &target.authority)
        .header(header::USER_AGENT, concat!("Counterfoil/", env!("CARGO_PKG_VERSION")))
        .header(header::CONNECTION, "close");
    for (name, value) in &request.headers {
        wire = wire.header(*name, value);
    }
    let wire = wire
        .body(Full::new(request.body))
        .map_err(|e| Stop::Failed(format!("the request cannot be written: {e}")))?;
    // The connection is driven here and ends here: nothing is left running when the call ran out of time.
    let asking = async {
        let answer = sender.send_request(wire).await.map_err(broken)?;
        Ok(read(answer).await)
    };
    let mut connection = std::pin::pin!(connection);
    let mut asking = std::pin::pin!(asking);
    tokio::select! {
        answered = &mut asking => answered,
        _ = &mut connection => asking.await,
    }
}

async fn read(answer: Response<Incoming>) -> (u16, Option<String>, Bytes) {
    let status = answer.status().as_u16();
    let retry_after = answer
        .headers()
        .get(header::RETRY_AFTER)
        .and_then(|v| v.to_str().ok())
        .map(|v| v.chars().take(64).collect());
    let mut body = BytesMut::new();
    let mut rest = answer.into_body();
    // The status decides; a body that breaks off or has no end is kept as far as it came.
    while body.len() < BODY_MAX
        && let Some(Ok(frame)) = rest.frame().await
    {
        if let Some(data) = frame.data_ref() {
            body.extend_from_slice(&data[..data.len().min(BODY_MAX - body.len())]);
        }
    }
    (status, retry_after, body.freeze())
}

#[async_trait]
impl HttpClient for Outgoing {
    fn check(&self, url: &str) -> Result<()> {
        Target::parse(url, &self.allowed).map(|_| ())
    }

    async fn call(&self, request: HttpRequest) -> Result<HttpAnswer, HttpError> {
        let start = Instant::now();
        let done = timeout(self.total_max, self.exchange(request)).await;
        let took = start.elapsed();
        match done {
            Ok(Ok((status, retry_after, body))) => Ok(HttpAnswer { status, retry_after, body, took }),
            Ok(Err(Stop::Refused(detail))) => Err(HttpError { refused: true, detail, took }),
            Ok(Err(Stop::Failed(detail))) => Err(HttpError { refused: false, detail, took }),
            Err(_) => {
                let detail = format!("no whole answer within {} seconds", self.total_max.as_secs_f32());
                Err(HttpError { refused: false, detail, took })
            }
        }
    }
}

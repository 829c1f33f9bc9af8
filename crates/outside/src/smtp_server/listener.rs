//! Connections: taking them, counting them, ending them.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use base::Result;
use engine::outside::Door;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

use super::{
    Protocol, SmtpServerConfig,
    limits::{Full, Limits, Seat},
    session::{End, Session},
    stopped,
    tls::Certificate,
    wire::Wire,
};

/// For the handshake after `STARTTLS`.
const HANDSHAKE_TIME: Duration = Duration::from_secs(30);

/// Takes mail for a [`Door`].
pub struct SmtpServer {
    config: SmtpServerConfig,
    door: Arc<dyn Door>,
    limits: Arc<Limits>,
    certificate: Option<Certificate>,
}

impl SmtpServer {
    /// Checks the configuration and reads the certificate.
    pub fn new(config: SmtpServerConfig, door: Arc<dyn Door>) -> Result<Self> {
        config.check()?;
        let certificate = config.tls.clone().map(Certificate::read).transpose()?;
        let limits =
            Limits::new(config.max_connections, config.max_connections_per_address, config.max_held_bytes);
        Ok(Self { config, door, limits, certificate })
    }

    /// Takes connections until `stop` is true, or its sender gone. Then letters at hand are finished and whoever waits
    /// for the next command is told to come again.
    pub async fn serve(self, listener: TcpListener, mut stop: watch::Receiver<bool>) {
        let server = Arc::new(self);
        let mut sessions = JoinSet::new();
        loop {
            let taken = tokio::select! {
                biased;
                () = stopped(&mut stop) => break,
                Some(_) = sessions.join_next() => continue,
                taken = listener.accept() => taken,
            };
            match taken {
                Ok((stream, address)) => {
                    let (server, stop) = (server.clone(), stop.clone());
                    sessions.spawn(
                        async move { server.receive(stream, address.ip().to_canonical(), stop).await },
                    );
                }
                Err(error) => {
                    // No descriptors left, mostly: connections that end give some back.
                    tracing::warn!(%error, "a mail connection could not be taken");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(listener);
        let finish = async { while sessions.join_next().await.is_some() {} };
        if timeout(server.config.stop_time(), finish).await.is_err() {
            tracing::warn!(
                left = sessions.len(),
                "mail connections were cut off: nothing of theirs was promised"
            );
        }
    }

    async fn receive(&self, mut stream: TcpStream, client_ip: IpAddr, stop: watch::Receiver<bool>) {
        match self.limits.seat(client_ip) {
            Ok(seat) => {
                if let Err(error) = self.converse(stream, client_ip, stop, &seat).await {
                    tracing::debug!(%error, "a mail connection broke off");
                }
            }
            Err(full) => {
                let why = match full {
                    Full::All => "too many connections, try again",
                    Full::Address => "too many connections from you, try again",
                };
                let line = format!("421 4.7.0 {} {why}\r\n", self.config.hostname);
                let _ = timeout(Duration::from_secs(5), stream.write_all(line.as_bytes())).await;
            }
        }
    }

    /// `_seat` is the connection's while it lasts.
    async fn converse(
        &self,
        stream: TcpStream,
        client_ip: IpAddr,
        stop: watch::Receiver<bool>,
        _seat: &Seat,
    ) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let mut session = Session::new(&self.config, &self.door, &self.limits, client_ip, stop);
        let mut wire = Wire::new(stream);
        let protocol = match self.config.protocol {
            Protocol::Smtp => "ESMTP",
            Protocol::Lmtp => "LMTP",
        };
        wire.line(&format!("220 {} {protocol}", self.config.hostname));
        let (End::StartTls, Some(certificate)) = (session.talk(&mut wire).await?, &self.certificate) else {
            return Ok(());
        };
        let Some(stream) = wire.into_stream() else { return Ok(()) };
        let handshake = timeout(HANDSHAKE_TIME, certificate.acceptor().accept(stream));
        let stream = handshake.await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        session.upgraded();
        session.talk(&mut Wire::new(stream)).await?;
        Ok(())
    }
}

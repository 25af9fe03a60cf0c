//! Opens a session: TCP without delay, TLS, EHLO, AUTH.
//!
//! Lettre greets and authenticates; TLS is `adapters::tls`'s, over our own socket. Never goes on in
//! clear text where TLS was asked for: a server that does not offer STARTTLS, or that says anything
//! more between its answer to STARTTLS and the handshake, is an error of class Security (RFC 3207
//! section 6). Errors name the phase and the reply code, never the server's words.

use std::error::Error as _;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lettre::transport::smtp::Error as LettreError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::AsyncSmtpConnection;
use lettre::transport::smtp::commands::Ehlo;
use lettre::transport::smtp::extension::ClientId;
use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::reply::{Reply, read_reply, read_reply_with};
use super::wire::Wire;
use super::{Security, SmtpConfig};
use crate::adapters::tls;
use crate::ports::{ErrorClass, PortError};

/// How long a server may take to answer QUIT.
const QUIT_MAX: Duration = Duration::from_secs(2);
/// What lettre is given to read as the greeting once the real one has been read before STARTTLS.
const GREETED: &[u8] = b"220 greeted before STARTTLS\r\n";

/// What the server offers (RFC 5321 section 4.1.1.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Offers {
    /// RFC 2920.
    pub(super) pipelining: bool,
    /// RFC 1870.
    pub(super) size: bool,
    /// RFC 6152.
    pub(super) eight_bit: bool,
    /// RFC 6531.
    pub(super) smtputf8: bool,
    /// RFC 3461.
    pub(super) dsn: bool,
    /// RFC 3207.
    pub(super) starttls: bool,
}

/// An open session, ready for MAIL.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) wire: Wire,
    pub(super) offers: Offers,
    /// Mails sent in it.
    pub(super) mails: u32,
}

impl Session {
    /// Says QUIT and waits a moment for the answer; a session that fails at this is gone as well.
    pub(super) async fn close(session: Option<Self>) {
        let Some(mut session) = session else { return };
        let farewell = async {
            session.wire.write_all(b"QUIT\r\n").await?;
            session.wire.flush().await?;
            read_reply(&mut session.wire).await?;
            session.wire.shutdown().await
        };
        let _gone_anyway = timeout(QUIT_MAX, farewell).await;
    }
}

impl Offers {
    fn add(&mut self, line: &str) {
        let keyword = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
        match keyword.as_str() {
            "PIPELINING" => self.pipelining = true,
            "SIZE" => self.size = true,
            "8BITMIME" => self.eight_bit = true,
            "SMTPUTF8" => self.smtputf8 = true,
            "DSN" => self.dsn = true,
            "STARTTLS" => self.starttls = true,
            // Keywords we have no use for.
            _ => {}
        }
    }
}

/// Opens a session as the settings say.
///
/// # Errors
/// The server cannot be reached, is not the one expected, or refuses us.
pub(super) async fn open(config: &SmtpConfig, tls: &Arc<rustls::ClientConfig>) -> Result<Session, PortError> {
    let limits = &config.timeouts;
    let (socket, peer) = within(limits.connect, "connecting", reach(config)).await??;
    let wire = match config.security {
        Security::Plain => Wire::new(Box::new(socket), b"", peer),
        Security::Tls => Wire::new(Box::new(shake_hands(config, tls, socket).await?), b"", peer),
        Security::StartTls => {
            let socket = start_tls(config, socket).await?;
            let stream = shake_hands(config, tls, socket).await.map_err(|error| match error.class {
                // Bytes that are not TLS, after the server agreed to TLS, come from somebody else.
                ErrorClass::Configuration => security("the server spoke clear text after STARTTLS; nothing was sent"),
                ErrorClass::Temporary | ErrorClass::Authentication | ErrorClass::Security => error,
            })?;
            Wire::new(Box::new(stream), GREETED, peer)
        }
    };
    let offers = introduce(config, wire.clone()).await?;
    Ok(Session { wire, offers, mails: 0 })
}

async fn reach(config: &SmtpConfig) -> Result<(TcpStream, SocketAddr), PortError> {
    let broken = |error: io::Error| lost("connecting", &error);
    let socket = TcpStream::connect((config.host.as_str(), config.port)).await.map_err(broken)?;
    // Without this, each mail waits 40 ms for a delayed acknowledgement.
    socket.set_nodelay(true).map_err(broken)?;
    let peer = socket.peer_addr().map_err(broken)?;
    if config.security == Security::Plain && !peer.ip().is_loopback() {
        return Err(security("the host's name leads to another machine, and mail is not sent there in clear; use TLS"));
    }
    Ok((socket, peer))
}

async fn shake_hands(
    config: &SmtpConfig,
    tls: &Arc<rustls::ClientConfig>,
    socket: TcpStream,
) -> Result<tokio_rustls::client::TlsStream<TcpStream>, PortError> {
    let name = tls::server_name(&config.host)?;
    let handshake = TlsConnector::from(Arc::clone(tls)).connect(name, socket);
    within(config.timeouts.connect, "the TLS handshake", handshake)
        .await?
        .map_err(|error| tls::tls_error(&error).unwrap_or_else(|| lost("the TLS handshake", &error)))
}

/// Greets in clear and asks for TLS. What the server offers in clear is forgotten afterwards (RFC 3207 section 4.2).
async fn start_tls(config: &SmtpConfig, socket: TcpStream) -> Result<TcpStream, PortError> {
    let limits = &config.timeouts;
    let mut stream = BufReader::new(socket);
    let greeting = within(limits.greeting, "the greeting", read_reply(&mut stream)).await?;
    accepted("the greeting", greeting)?;
    let mut offers = Offers::default();
    let hello = format!("EHLO {}\r\n", config.hello_name);
    let answer = within(limits.command, "EHLO", async {
        stream.write_all(hello.as_bytes()).await?;
        read_reply_with(&mut stream, &mut |line| offers.add(line)).await
    });
    accepted("EHLO", answer.await?)?;
    if !offers.starttls {
        return Err(security(
            "the server does not offer STARTTLS; nothing was sent, use TLS on port 465 if it has that",
        ));
    }
    let answer = within(limits.command, "STARTTLS", async {
        stream.write_all(b"STARTTLS\r\n").await?;
        read_reply(&mut stream).await
    });
    accepted("STARTTLS", answer.await?)?;
    if !stream.buffer().is_empty() {
        return Err(security("the server spoke clear text after STARTTLS; nothing was sent"));
    }
    Ok(stream.into_inner())
}

/// EHLO and AUTH by lettre, then a second EHLO: lettre keeps no keyword but its own few, and more may be offered after AUTH.
async fn introduce(config: &SmtpConfig, wire: Wire) -> Result<Offers, PortError> {
    let limits = &config.timeouts;
    let name = ClientId::Domain(config.hello_name.clone());
    let greeting = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &name);
    let mut lettre = within(limits.greeting + limits.command, "the greeting", greeting)
        .await?
        .map_err(|error| refused("the greeting", &error))?;
    if let Some((user, password)) = &config.credentials {
        let credentials = Credentials::new(user.clone(), password.to_string());
        let auth = lettre.auth(&[Mechanism::Plain, Mechanism::Login], &credentials);
        within(limits.command, "AUTH", auth).await?.map_err(|error| auth_refused(&error))?;
    }
    let answer = within(limits.command, "EHLO", lettre.command(Ehlo::new(name)))
        .await?
        .map_err(|error| refused("EHLO", &error))?;
    let mut offers = Offers::default();
    answer.message().for_each(|line| offers.add(line));
    Ok(offers)
}

/// Waits for `work` no longer than `limit`.
async fn within<T>(limit: Duration, phase: &str, work: impl Future<Output = T>) -> Result<T, PortError> {
    timeout(limit, work).await.map_err(|_| temporary(format!("the server did not answer in time at {phase}")))
}

fn accepted(phase: &str, reply: io::Result<Reply>) -> Result<(), PortError> {
    let reply = reply.map_err(|error| lost(phase, &error))?;
    if reply.is_done() { Ok(()) } else { Err(temporary(format!("the server answered {} to {phase}", reply.status()))) }
}

fn lost(phase: &str, error: &io::Error) -> PortError {
    temporary(format!("the connection failed at {phase}: {}", error.kind()))
}

fn refused(phase: &str, error: &LettreError) -> PortError {
    if let Some(code) = error.status() {
        return temporary(format!("the server answered {code} to {phase}"));
    }
    if let Some(error) = error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        return tls::tls_error(error).unwrap_or_else(|| lost(phase, error));
    }
    temporary(format!("the server's answer to {phase} could not be read, or it closed the connection"))
}

/// A lasting refusal of AUTH is about our name and password; a passing one (454) is the server's trouble.
fn auth_refused(error: &LettreError) -> PortError {
    let authentication = |message: String| PortError { class: ErrorClass::Authentication, message };
    if error.is_client() {
        return authentication("the server offers no AUTH PLAIN or LOGIN here; check port and security".to_owned());
    }
    match error.status().filter(|_| error.is_permanent()) {
        Some(code) => authentication(format!("the server refused our name or password ({code}); correct them")),
        None => refused("AUTH", error),
    }
}

fn temporary(message: String) -> PortError {
    PortError { class: ErrorClass::Temporary, message }
}

fn security(message: &str) -> PortError {
    PortError { class: ErrorClass::Security, message: message.to_owned() }
}

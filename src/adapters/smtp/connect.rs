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
use zeroize::Zeroizing;

use super::pause::{Rest, Step, asked_by};
use super::reply::{Reply, read_reply, read_reply_with};
use super::wire::Wire;
use super::{Security, SmtpConfig};
use crate::adapters::oauth::{TokenMechanism, base64};
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

/// What is shown to the server.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) secret: Zeroizing<String>,
    /// It is an OAuth 2 token, not a password.
    pub(super) token: bool,
}

/// Why no session was opened.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) error: PortError,
    /// The server asks for a rest.
    pub(super) rest: Option<Rest>,
}

impl From<PortError> for Trouble {
    fn from(error: PortError) -> Self {
        Self { error, rest: None }
    }
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
pub(super) async fn open(
    config: &SmtpConfig,
    login: Option<&Login>,
    tls: &Arc<rustls::ClientConfig>,
) -> Result<Session, Trouble> {
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
    let offers = introduce(config, login, wire.clone()).await?;
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
async fn start_tls(config: &SmtpConfig, socket: TcpStream) -> Result<TcpStream, Trouble> {
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
        let text = "the server does not offer STARTTLS; nothing was sent, use TLS on port 465 if it has that";
        return Err(security(text).into());
    }
    let answer = within(limits.command, "STARTTLS", async {
        stream.write_all(b"STARTTLS\r\n").await?;
        read_reply(&mut stream).await
    });
    accepted("STARTTLS", answer.await?)?;
    if !stream.buffer().is_empty() {
        return Err(security("the server spoke clear text after STARTTLS; nothing was sent").into());
    }
    Ok(stream.into_inner())
}

/// EHLO and AUTH by lettre, then a second EHLO: lettre keeps no keyword but its own few, and more may be offered after AUTH.
async fn introduce(config: &SmtpConfig, login: Option<&Login>, wire: Wire) -> Result<Offers, Trouble> {
    let limits = &config.timeouts;
    let name = ClientId::Domain(config.hello_name.clone());
    let greeting = AsyncSmtpConnection::connect_with_transport(Box::new(wire), &name);
    let mut lettre = within(limits.greeting + limits.command, "the greeting", greeting)
        .await?
        .map_err(|error| refused("the greeting", &error))?;
    match login {
        Some(login) if login.token => show_token(config, login, &name, &mut lettre).await?,
        Some(login) => {
            let credentials = Credentials::new(login.user.clone(), login.secret.to_string());
            let auth = lettre.auth(&[Mechanism::Plain, Mechanism::Login], &credentials);
            within(limits.command, "AUTH", auth).await?.map_err(|error| auth_refused(&error))?;
        }
        None => {}
    }
    let answer = within(limits.command, "EHLO", lettre.command(Ehlo::new(name)))
        .await?
        .map_err(|error| refused("EHLO", &error))?;
    let mut offers = Offers::default();
    answer.message().for_each(|line| offers.add(line));
    Ok(offers)
}

/// AUTH with an OAuth 2 token. A server that refuses it says why in a challenge, which must be answered first.
async fn show_token(
    config: &SmtpConfig,
    login: &Login,
    name: &ClientId,
    lettre: &mut AsyncSmtpConnection,
) -> Result<(), Trouble> {
    let limit = config.timeouts.command;
    // Lettre keeps no mechanism but its own.
    let offers = within(limit, "EHLO", lettre.command(Ehlo::new(name.clone()))).await?;
    let offers = offers.map_err(|error| refused("EHLO", &error))?;
    let mechanisms: Vec<String> = offers.message().filter_map(mechanisms).flatten().collect();
    let mechanism = TokenMechanism::offered(|name| mechanisms.iter().any(|offered| offered == name));
    let mechanism = mechanism.ok_or_else(|| PortError {
        class: ErrorClass::Configuration,
        message: "the server takes no OAuth token here (neither XOAUTH2 nor OAUTHBEARER); give a password instead of \
                  token_command, or check port and security"
            .to_owned(),
    })?;
    let message = mechanism.message(&login.user, &login.secret, &config.host, config.port);
    let command = Zeroizing::new(format!("AUTH {} {}\r\n", mechanism.name(), base64(message.as_bytes()).as_str()));
    let answer = within(limit, "AUTH", lettre.command(command.as_str())).await?;
    let answer = answer.map_err(|error| auth_refused(&error))?;
    if answer.code().to_string() != "334" {
        return Ok(());
    }
    let farewell = format!("{}\r\n", base64(mechanism.farewell()).as_str());
    let answer = within(limit, "AUTH", lettre.command(farewell)).await?;
    answer.map(drop).map_err(|error| auth_refused(&error))
}

/// The mechanisms of an EHLO line, in upper case; `None` where it is another line.
fn mechanisms(line: &str) -> Option<Vec<String>> {
    let mut words = line.split([' ', '=']).map(str::to_ascii_uppercase);
    (words.next()? == "AUTH").then(|| words.collect())
}

/// Waits for `work` no longer than `limit`.
async fn within<T>(limit: Duration, phase: &str, work: impl Future<Output = T>) -> Result<T, PortError> {
    timeout(limit, work).await.map_err(|_| temporary(format!("the server did not answer in time at {phase}")))
}

fn accepted(phase: &str, reply: io::Result<Reply>) -> Result<(), Trouble> {
    let reply = reply.map_err(|error| lost(phase, &error))?;
    if reply.is_done() { Ok(()) } else { Err(answered(phase, &reply)) }
}

fn answered(phase: &str, reply: &Reply) -> Trouble {
    let error = temporary(format!("the server answered {} to {phase}", reply.status()));
    Trouble { error, rest: asked_by(reply, Step::Opening) }
}

fn lost(phase: &str, error: &io::Error) -> PortError {
    temporary(format!("the connection failed at {phase}: {}", error.kind()))
}

fn refused(phase: &str, error: &LettreError) -> Trouble {
    if let Some(reply) = reply_of(error) {
        return answered(phase, &reply);
    }
    if let Some(error) = error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        return tls::tls_error(error).unwrap_or_else(|| lost(phase, error)).into();
    }
    temporary(format!("the server's answer to {phase} could not be read, or it closed the connection")).into()
}

/// The reply that lettre made an error of.
fn reply_of(error: &LettreError) -> Option<Reply> {
    let code = error.status()?.to_string().parse().ok()?;
    let text = error.source().map(ToString::to_string).unwrap_or_default();
    Some(Reply::of(code, &text))
}

/// A lasting refusal of AUTH is about our name and password; a passing one (454) is the server's trouble.
fn auth_refused(error: &LettreError) -> Trouble {
    let authentication = |message: String| Trouble::from(PortError { class: ErrorClass::Authentication, message });
    if error.is_client() {
        return authentication("the server offers no AUTH PLAIN or LOGIN here; check port and security".to_owned());
    }
    match error.status().filter(|_| error.is_permanent()) {
        Some(code) => {
            authentication(format!("the server refused our name or password, or our token ({code}); correct them"))
        }
        None => refused("AUTH", error),
    }
}

fn temporary(message: String) -> PortError {
    PortError { class: ErrorClass::Temporary, message }
}

fn security(message: &str) -> PortError {
    PortError { class: ErrorClass::Security, message: message.to_owned() }
}

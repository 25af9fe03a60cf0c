//! From a host name to a logged-in session: TCP, TLS or STARTTLS, greeting, login, capabilities.
//!
//! Never sends the password in clear text to another machine and never goes on after a greeting or an answer
//! that would let somebody in between speak for the server.

use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use zeroize::Zeroizing;

use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::super::answer::asks_to_wait;
use super::super::stream::{Bounded, Meter, Pace, Signals, Transport, Wire};
use super::super::{AuthMechanism, ImapConfig, PLAIN_REFUSED, Security, Settle};
use super::{Fault, Leave, Server, fault, lost, temporary};
use crate::adapters::command::SecretHolder;
use crate::adapters::oauth::{TokenMechanism, base64};
use crate::adapters::tls;
use crate::ports::{ErrorClass, PortError};

/// What one response may take beyond the mail in it, in bytes.
const RESPONSE_MARGIN_BYTES: u64 = 1024 * 1024;

/// Connects and logs in. A secret that a program prints, and that is refused, is asked for anew once.
pub(in crate::adapters::imap) fn connect(
    config: &ImapConfig,
    secret: &mut SecretHolder,
    tls: Option<&Arc<ClientConfig>>,
    signals: &Arc<Signals>,
) -> Result<Server, Fault> {
    let mut asked_anew = false;
    loop {
        let given_up = || signals.stop.load(Ordering::SeqCst);
        let current = secret.current(&given_up).map_err(Fault::Lost)?;
        let login = Login { config, token: secret.is_token(), secret: &current };
        match connect_with(&login, tls, signals) {
            Err(Fault::Lost(error)) if error.class == ErrorClass::Authentication && secret.refused() && !asked_anew => {
                asked_anew = true;
            }
            outcome => return outcome,
        }
    }
}

/// What is shown to the server.
struct Login<'a> {
    config: &'a ImapConfig,
    token: bool,
    secret: &'a Zeroizing<String>,
}

fn connect_with(login: &Login<'_>, tls: Option<&Arc<ClientConfig>>, signals: &Arc<Signals>) -> Result<Server, Fault> {
    let config = login.config;
    let pace = Pace::new(config.timeouts.silence, config.timeouts.response);
    let mut wire = Wire::new(dial(config)?, Rc::clone(&pace), Arc::clone(signals)).map_err(|e| lost(&e))?;
    if config.security == Security::StartTls {
        start_tls(&mut wire)?;
    }
    let transport = match tls {
        None => Transport::Plain(wire),
        Some(tls) => secure(config, tls, wire)?,
    };
    let response_max = config.message_limit_bytes.saturating_add(RESPONSE_MARGIN_BYTES);
    let mut client = imap::Client::new(Bounded::new(transport, response_max, Rc::clone(&pace)));
    if config.security != Security::StartTls {
        check_greeting(&client.read_greeting().map_err(fault)?)?;
    }
    let session = log_in(client, login)?;
    let mut server = Server {
        session,
        pace,
        selected: None,
        archive: String::new(),
        prefix: String::new(),
        marks_on_request: false,
        leave: Leave::Keyword,
        can_idle: false,
    };
    let capabilities = server.session.capabilities().map_err(fault)?;
    server.can_idle = capabilities.has_str("IDLE");
    server.marks_on_request = capabilities.has_str("SPECIAL-USE") && capabilities.has_str("LIST-EXTENDED");
    let wanted = config.settle == Settle::Move;
    server.leave = match (wanted, capabilities.has_str("MOVE"), capabilities.has_str("UIDPLUS")) {
        (true, true, _) => Leave::Move,
        (true, false, true) => Leave::CopyExpunge,
        (true, false, false) | (false, _, _) => Leave::Keyword,
    };
    Ok(server)
}

fn dial(config: &ImapConfig) -> Result<TcpStream, Fault> {
    let resolved = (config.host.as_str(), config.port).to_socket_addrs();
    let addresses = resolved
        .map_err(|_| Fault::Lost(temporary("the server's name could not be resolved; check `host` and the network")))?;
    let allowed = |address: &SocketAddr| config.security != Security::Plain || is_loopback(address.ip());
    let mut last = None;
    for address in addresses.filter(allowed) {
        match TcpStream::connect_timeout(&address, config.timeouts.connect) {
            Ok(tcp) => return Ok(tcp),
            Err(error) => last = Some(error),
        }
    }
    Err(Fault::Lost(match last {
        Some(error) => temporary(&format!("no connection to the server ({}); check `host` and `port`", error.kind())),
        None => PortError { class: ErrorClass::Configuration, message: PLAIN_REFUSED.to_owned() },
    }))
}

pub(in crate::adapters::imap) fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

fn check_greeting(line: &[u8]) -> Result<(), Fault> {
    let words = String::from_utf8_lossy(line);
    let line = line.to_ascii_uppercase();
    if line.starts_with(b"* OK") {
        return Ok(());
    }
    if line.starts_with(b"* BYE") {
        // Whatever its reason: a server that greets so takes no connection now.
        return Err(Fault::Busy(asks_to_wait(&words).and_then(|later| later.wait)));
    }
    if line.starts_with(b"* PREAUTH") {
        // Whoever sits between us and the server could log us in to an account of theirs (RFC 9051 section 11.4).
        return Err(security(
            "the server greeted with PREAUTH, as if we were logged in already; this may be an attack",
        ));
    }
    Err(Fault::Lost(temporary("the server did not greet as an IMAP server does; check `port` and `security`")))
}

/// Speaks STARTTLS (RFC 9051 section 6.2.1) on the bare socket, so that no byte of clear text is read into the session.
fn start_tls(wire: &mut Wire) -> Result<(), Fault> {
    let mut lines = ClearLines { wire, buffer: Vec::new(), meter: Meter::new(RESPONSE_MARGIN_BYTES) };
    check_greeting(&lines.next()?)?;
    lines.wire.write_all(b"s1 STARTTLS\r\n").map_err(|e| lost(&e))?;
    loop {
        let line = lines.next()?.to_ascii_uppercase();
        if line.starts_with(b"S1 OK") {
            break;
        }
        if line.starts_with(b"S1 ") {
            return Err(security("the server refuses STARTTLS; it may be stripped on the way: check `security`"));
        }
    }
    if lines.buffer.is_empty() {
        Ok(())
    } else {
        Err(security("the server sent clear text behind its answer to STARTTLS; this may be an attack"))
    }
}

struct ClearLines<'a> {
    wire: &'a mut Wire,
    buffer: Vec<u8>,
    meter: Meter,
}

impl ClearLines<'_> {
    fn next(&mut self) -> Result<Vec<u8>, Fault> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                return Ok(self.buffer.drain(..=end).collect());
            }
            let mut chunk = [0; 4096];
            let read = self.wire.read(&mut chunk).map_err(|e| lost(&e))?;
            let chunk = chunk.get(..read).unwrap_or_default();
            if chunk.is_empty() {
                return Err(Fault::Lost(temporary("the server closed the connection before TLS began; trying again")));
            }
            self.meter.count(chunk).map_err(|_| Fault::OverLimit)?;
            self.buffer.extend_from_slice(chunk);
        }
    }
}

fn secure(config: &ImapConfig, tls: &Arc<ClientConfig>, mut wire: Wire) -> Result<Transport, Fault> {
    let name = tls::server_name(&config.host).map_err(Fault::Lost)?;
    let mut connection = ClientConnection::new(Arc::clone(tls), name).map_err(|e| Fault::Lost(tls::explain(&e)))?;
    while connection.is_handshaking() {
        let (read, written) = connection.complete_io(&mut wire).map_err(|e| lost(&e))?;
        if read == 0 && written == 0 {
            return Err(Fault::Lost(temporary(
                "the server closed the connection during the TLS handshake; trying again",
            )));
        }
    }
    Ok(Transport::Tls(Box::new(StreamOwned::new(connection, wire))))
}

struct PlainAuth<'a>(&'a Login<'a>);

impl imap::Authenticator for PlainAuth<'_> {
    type Response = Zeroizing<Vec<u8>>;

    fn process(&self, _challenge: &[u8]) -> Self::Response {
        Zeroizing::new([b"\0", self.0.config.user.as_bytes(), b"\0", self.0.secret.as_bytes()].concat())
    }
}

/// Shows a token. What the server asks after it has seen the token is why it refuses; the answer to that is fixed.
struct TokenAuth {
    mechanism: TokenMechanism,
    /// The first message, until it is given.
    message: Cell<Option<Zeroizing<String>>>,
}

impl imap::Authenticator for TokenAuth {
    type Response = Zeroizing<Vec<u8>>;

    fn process(&self, _challenge: &[u8]) -> Self::Response {
        let first = self.message.take().map(|message| message.as_bytes().to_vec());
        Zeroizing::new(first.unwrap_or_else(|| self.mechanism.farewell().to_vec()))
    }
}

fn log_in(mut client: imap::Client<Bounded>, login: &Login<'_>) -> Result<imap::Session<Bounded>, Fault> {
    let outcome = match (login.token, login.config.auth) {
        (true, _) => {
            let offered = client.capabilities().map_err(fault)?;
            let mechanism = TokenMechanism::offered(|name| offered.has_str(format!("AUTH={name}")));
            let mechanism = mechanism.ok_or_else(no_token_login)?;
            let config = login.config;
            let message = mechanism.message(&config.user, login.secret, &config.host, config.port);
            if offered.has_str("SASL-IR") {
                // The library writes what it is given behind AUTHENTICATE (RFC 4959).
                let command = Zeroizing::new(format!("{} {}", mechanism.name(), base64(message.as_bytes()).as_str()));
                client.authenticate(command.as_str(), &TokenAuth { mechanism, message: Cell::new(None) })
            } else {
                client.authenticate(mechanism.name(), &TokenAuth { mechanism, message: Cell::new(Some(message)) })
            }
        }
        (false, AuthMechanism::Login) => client.login(&login.config.user, login.secret.as_str()),
        (false, AuthMechanism::Plain) => client.authenticate("PLAIN", &PlainAuth(login)),
    };
    outcome.map_err(|(error, _client)| {
        let fault = fault(error);
        if !matches!(fault, Fault::Refused) {
            return fault;
        }
        let what = if login.token { "what `token_command` prints" } else { "the password file or program" };
        Fault::Lost(PortError {
            class: ErrorClass::Authentication,
            message: format!("the server refuses the login; check `user` and {what}"),
        })
    })
}

fn no_token_login() -> Fault {
    Fault::Lost(PortError {
        class: ErrorClass::Configuration,
        message: "the server takes no OAuth token here (neither XOAUTH2 nor OAUTHBEARER); give a password instead of \
                  `token_command`"
            .to_owned(),
    })
}

fn security(message: &str) -> Fault {
    Fault::Lost(PortError { class: ErrorClass::Security, message: message.to_owned() })
}

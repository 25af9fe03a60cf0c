//! From a host name to a logged-in session: TCP, TLS or STARTTLS, greeting, login, capabilities.
//!
//! Never sends the password in clear text to another machine and never goes on after a greeting or an answer
//! that would let somebody in between speak for the server.

use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::rc::Rc;
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::super::stream::{Bounded, Meter, Pace, Signals, Transport, Wire};
use super::super::{AuthMechanism, ImapConfig, PLAIN_REFUSED, Security, Settle};
use super::{Fault, Leave, Server, fault, lost, temporary};
use crate::adapters::tls;
use crate::ports::{ErrorClass, PortError};

/// What one response may take beyond the mail in it, in bytes.
const RESPONSE_MARGIN_BYTES: u64 = 1024 * 1024;

/// Connects, logs in and makes sure that the archive folder is there.
pub(in crate::adapters::imap) fn connect(
    config: &ImapConfig,
    tls: Option<&Arc<ClientConfig>>,
    signals: &Arc<Signals>,
) -> Result<Server, Fault> {
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
    let session = log_in(client, config)?;
    let mut server = Server {
        session,
        pace,
        selected: None,
        archive: config.archive.clone(),
        leave: Leave::Keyword,
        can_idle: false,
    };
    let capabilities = server.session.capabilities().map_err(fault)?;
    server.can_idle = capabilities.has_str("IDLE");
    let wanted = config.settle == Settle::Move;
    server.leave = match (wanted, capabilities.has_str("MOVE"), capabilities.has_str("UIDPLUS")) {
        (true, true, _) => Leave::Move,
        (true, false, true) => Leave::CopyExpunge,
        (true, false, false) | (false, _, _) => Leave::Keyword,
    };
    if server.leave != Leave::Keyword {
        server.ensure_archive(&config.archive)?;
    }
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
    let line = line.to_ascii_uppercase();
    if line.starts_with(b"* OK") {
        return Ok(());
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

struct PlainAuth<'a>(&'a ImapConfig);

impl imap::Authenticator for PlainAuth<'_> {
    type Response = zeroize::Zeroizing<Vec<u8>>;

    fn process(&self, _challenge: &[u8]) -> Self::Response {
        zeroize::Zeroizing::new([b"\0", self.0.user.as_bytes(), b"\0", self.0.password.as_bytes()].concat())
    }
}

fn log_in(client: imap::Client<Bounded>, config: &ImapConfig) -> Result<imap::Session<Bounded>, Fault> {
    let outcome = match config.auth {
        AuthMechanism::Login => client.login(&config.user, config.password.as_str()),
        AuthMechanism::Plain => client.authenticate("PLAIN", &PlainAuth(config)),
    };
    outcome.map_err(|(error, _client)| {
        if let imap::Error::No(no) = &error {
            let text = no.information.to_ascii_uppercase();
            // RFC 5530: these say nothing about the password.
            if ["UNAVAILABLE", "INUSE", "SERVERBUG", "LIMIT"].iter().any(|code| text.starts_with(&format!("[{code}]")))
            {
                return Fault::Lost(temporary("the server cannot check the password at present; trying again"));
            }
        }
        let fault = fault(error);
        if !matches!(fault, Fault::Refused) {
            return fault;
        }
        Fault::Lost(PortError {
            class: ErrorClass::Authentication,
            message: "the server refuses the login; check `user` and the password file".to_owned(),
        })
    })
}

fn security(message: &str) -> Fault {
    Fault::Lost(PortError { class: ErrorClass::Security, message: message.to_owned() })
}

//! Plays a recorded dialogue of a mail host to a client, under TLS, on a free loopback port.
//!
//! The form of the files stands in `testdata/hosts/README.md`. What the client says differently is kept, with both
//! lines, and fails the test that asks [`Host::finished`].
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops at a file that it cannot read")]
#![expect(clippy::disallowed_methods, reason = "a test waits for a client")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Longest wait for the client to finish a file.
const PATIENCE: Duration = Duration::from_secs(20);

enum Line {
    Client(String),
    Server(String),
    Close,
}

#[derive(Default)]
struct Script {
    connections: Vec<Vec<Line>>,
    /// Answers in any order: what a command begins with, and the lines.
    afterwards: Vec<(String, Vec<String>)>,
}

#[derive(Default)]
struct Heard {
    finished: usize,
    commands: Vec<String>,
    fault: Option<String>,
}

/// A host that plays a file.
pub struct Host {
    pub port: u16,
    folder: tempfile::TempDir,
    connections: usize,
    heard: Arc<Mutex<Heard>>,
}

impl Host {
    /// Plays all of a file in `testdata/hosts`.
    pub fn play(file: &str) -> Self {
        Self::serve(read(file))
    }

    /// Plays each connection of a file by itself.
    pub fn play_each(file: &str) -> Vec<Self> {
        let connections = read(file).connections;
        connections
            .into_iter()
            .map(|lines| Self::serve(Script { connections: vec![lines], ..Script::default() }))
            .collect()
    }

    fn serve(script: Script) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        std::fs::write(folder.path().join("ca.pem"), own.cert.pem()).unwrap();
        let key = PrivatePkcs8KeyDer::from(own.signing_key.serialize_der());
        let tls = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key.into())
            .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let (ear, connections) = (Arc::clone(&heard), script.connections.len());
        let tls = Arc::new(tls);
        std::thread::spawn(move || {
            for (lines, stream) in script.connections.iter().zip(listener.incoming()) {
                let stream = StreamOwned::new(ServerConnection::new(Arc::clone(&tls)).unwrap(), stream.unwrap());
                converse(lines, &script.afterwards, BufReader::new(stream), &ear);
            }
        });
        Self { port, folder, connections, heard }
    }

    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Waits until all was said as it stands in the file, and gives what the client said.
    pub fn finished(&self) -> Vec<String> {
        let until = Instant::now() + PATIENCE;
        loop {
            {
                let heard = self.heard.lock().unwrap();
                if let Some(fault) = &heard.fault {
                    panic!("{fault}\nsaid before: {:#?}", heard.commands);
                }
                if heard.finished == self.connections {
                    return heard.commands.clone();
                }
                assert!(Instant::now() < until, "the client stopped after {:#?}", heard.commands);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

type Stream = BufReader<StreamOwned<ServerConnection, TcpStream>>;

fn converse(lines: &[Line], afterwards: &[(String, Vec<String>)], mut stream: Stream, heard: &Mutex<Heard>) {
    let mut tag = String::new();
    for line in lines {
        match line {
            Line::Server(text) => say(&mut stream, &text.replace("<tag>", &tag)),
            Line::Close => return finish(heard),
            Line::Client(expected) => {
                let Some(said) = hear(&mut stream) else {
                    heard.lock().unwrap().fault = Some(format!("it hung up where {expected:?} was expected"));
                    return;
                };
                heard.lock().unwrap().commands.push(said.clone());
                let command = match said.split_once(' ') {
                    Some((first, command)) if is_tag(first) => {
                        first.clone_into(&mut tag);
                        command.to_owned()
                    }
                    _ => said,
                };
                let fits = match expected.strip_suffix('*') {
                    Some(start) => command.starts_with(start),
                    None => command == *expected,
                };
                if !fits {
                    heard.lock().unwrap().fault = Some(format!("{command:?} where {expected:?} was expected"));
                    return;
                }
            }
        }
    }
    finish(heard);
    while let Some(said) = hear(&mut stream) {
        heard.lock().unwrap().commands.push(said.clone());
        let Some((tag, command)) = said.split_once(' ').filter(|(tag, _)| is_tag(tag)) else { continue };
        let fitting = afterwards.iter().filter(|(start, _)| command.starts_with(start.as_str()));
        match fitting.max_by_key(|(start, _)| start.len()) {
            Some((_, answers)) => answers.iter().for_each(|line| say(&mut stream, &line.replace("<tag>", tag))),
            None => say(&mut stream, &format!("{tag} OK done")),
        }
    }
}

fn finish(heard: &Mutex<Heard>) {
    heard.lock().unwrap().finished += 1;
}

fn is_tag(word: &str) -> bool {
    word.strip_prefix('a').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A client that has gone shows itself at the next line that is expected of it.
fn say(stream: &mut Stream, line: &str) {
    let _gone = stream.get_mut().write_all(format!("{line}\r\n").as_bytes());
}

fn hear(stream: &mut Stream) -> Option<String> {
    let mut line = Vec::new();
    let read = stream.by_ref().take(1 << 20).read_until(b'\n', &mut line).ok().filter(|read| *read > 0);
    read.map(|_| String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())
}

fn read(file: &str) -> Script {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/hosts").join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let mut script = Script { connections: vec![Vec::new()], ..Script::default() };
    let mut afterwards = false;
    for line in text.lines() {
        let (kind, rest) = line.split_at_checked(2).unwrap_or((line, ""));
        let rest = rest.strip_prefix(' ').unwrap_or(rest).to_owned();
        match kind {
            "~~" => afterwards = true,
            "==" => script.connections.push(Vec::new()),
            "C:" if afterwards => script.afterwards.push((rest, Vec::new())),
            "S:" if afterwards => script.afterwards.last_mut().unwrap().1.push(rest),
            "C:" => script.connections.last_mut().unwrap().push(Line::Client(rest)),
            "S:" => script.connections.last_mut().unwrap().push(Line::Server(rest)),
            "X:" => script.connections.last_mut().unwrap().push(Line::Close),
            _ if line.starts_with('#') || line.is_empty() => {}
            _ => panic!("{}: {line:?} means nothing", path.display()),
        }
    }
    script
}

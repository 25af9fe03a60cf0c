//! From the delivery of a mail to the end of its acknowledgement's transaction, by IDLE on Dovecot. See contrib/bench/latency.
//!
//! The shipped binary runs as in production; the mail is put into the Maildir as a delivery agent does, and the instant is
//! taken when the SMTP server that the acknowledgement goes to has read its final dot.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark starts programs, measures time and prints figures"
)]

#[path = "../tests/support/dovecot.rs"]
mod dovecot;
#[path = "../tests/support/small_house.rs"]
mod small_house;
mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use dovecot::{Dovecot, Options};
use support::{house, option, report};

fn main() {
    let mails = option("mails", 200);
    let server = Dovecot::start_with(Options { fsync: "optimized", ..Options::default() });
    let (told, sent) = mpsc::channel();
    let port = listen(told);
    let inbox = format!(
        "kind = \"imap\"\nhost = \"localhost\"\nport = {}\nuser = \"{}\"\npassword = \"imap.password\"\nca_file = \"{}\"",
        server.imaps_port,
        server.user,
        server.ca_file.display()
    );
    let relay = format!("kind = \"smtp\"\nhost = \"127.0.0.1\"\nport = {port}\nsecurity = \"plain\"");
    let house = house(&inbox, &relay);
    house.secret("imap.password", server.password.as_bytes());
    let daemon = house.start(&["run", "--adopt", "ack"], &[]);
    // The first one warms everything up: connections, caches, the server's index.
    let mut took: Vec<Duration> = (0..=mails).map(|number| one(&server, &sent, number)).collect();
    took.remove(0);
    drop(daemon);
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    println!("{mails} mails, one after the other: from delivery to the acknowledgement's final dot");
    println!("  median {:.0} ms, 99th percentile {:.0} ms, slowest {:.0} ms", at(0.5), at(0.99), at(1.0));
}

fn one(server: &Dovecot, sent: &mpsc::Receiver<(String, Instant)>, number: usize) -> Duration {
    let started = Instant::now();
    server.deliver(&report(number));
    let to = format!("<r{number}@");
    loop {
        let (recipient, at) = sent.recv_timeout(Duration::from_secs(60)).expect("an acknowledgement");
        if recipient.to_lowercase().contains(&to) {
            return at - started;
        }
    }
}

/// An SMTP server that takes everything and tells for whom and when.
fn listen(told: mpsc::Sender<(String, Instant)>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let told = told.clone();
            std::thread::spawn(move || drop(serve(&stream, &told)));
        }
    });
    port
}

fn serve(mut stream: &TcpStream, told: &mpsc::Sender<(String, Instant)>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    stream.write_all(b"220 bench ESMTP\r\n")?;
    let mut recipient = String::new();
    while let Some(line) = lines.next() {
        let line = line?;
        let verb = line.get(..4).unwrap_or_default().to_uppercase();
        match verb.as_str() {
            "EHLO" => stream.write_all(b"250-bench\r\n250-PIPELINING\r\n250 8BITMIME\r\n")?,
            "RCPT" => {
                recipient = line;
                stream.write_all(b"250 2.1.5 ok\r\n")?;
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n")?;
                for line in lines.by_ref() {
                    if line? == "." {
                        break;
                    }
                }
                drop(told.send((recipient.clone(), Instant::now())));
                stream.write_all(b"250 2.0.0 ok\r\n")?;
            }
            "QUIT" => return stream.write_all(b"221 2.0.0 bye\r\n"),
            _ => stream.write_all(b"250 2.0.0 ok\r\n")?,
        }
    }
    Ok(())
}

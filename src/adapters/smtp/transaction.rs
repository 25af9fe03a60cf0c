//! One mail to one recipient in an open session: MAIL, RCPT, DATA, the mail, the final dot.
//!
//! The three commands go out together where the server offers PIPELINING; every reply is read and
//! checked all the same (RFC 2920 section 3.1). Never changes a byte of the mail but for the dots
//! that SMTP itself needs (RFC 5321 section 4.5.2), and never sends a bare CR or LF, by which one
//! mail could pass for two. A fault before the last byte of the final dot was handed over is
//! `Deferred`: the server cannot have taken the mail. After it the verdict is `Unknown` (RFC 1047).

use std::future::Future;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, timeout_at};

use super::Timeouts;
use super::connect::{Offers, Session};
use super::pause::{Rest, Step, asked_by};
use super::reply::{Reply, read_reply};
use crate::ports::{ErrorClass, PortError, RelayJob, RelayVerdict};

/// The longest a whole transaction may take, however busy the server seems (slow-loris).
const TRANSACTION_MAX: Duration = Duration::from_secs(30 * 60);
/// Each such part of the mail has the data deadline of its own.
const BLOCK_BYTES: usize = 64 * 1024;

/// How a transaction ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) verdict: RelayVerdict,
    pub(super) detail: String,
    /// The session can carry another mail.
    pub(super) keeps_session: bool,
    /// The session was gone before MAIL was answered: a kept one had run out.
    pub(super) lost_before_mail: bool,
    /// What holds up every mail, not only this one.
    pub(super) fault: Option<PortError>,
    /// The server asks for a rest of the whole relay.
    pub(super) rest: Option<Rest>,
}

/// The steps of the three commands.
const STEPS: [Step; 3] = [Step::Sender, Step::Recipient, Step::Data];

/// Sends one mail and says what became of it; sets `begun` before the first byte of the mail itself goes out.
pub(super) async fn send(session: &mut Session, job: &RelayJob, limits: &Timeouts, begun: &AtomicBool) -> Ended {
    let mail = match mail_command(job, session.offers) {
        Ok(mail) => mail,
        Err(words) => return verdict(RelayVerdict::Refused, words.to_owned()),
    };
    let mut exchange = Exchange { session, limits, end: Instant::now() + TRANSACTION_MAX };
    let commands = [mail, format!("RCPT TO:<{}>\r\n", job.recipient), "DATA\r\n".to_owned()];
    let replies = match exchange.envelope(&commands).await {
        Ok(replies) => replies,
        Err(lost) => return lost,
    };
    let refusal = replies.iter().zip(STEPS).find(|(reply, _)| !reply.is_done() && !reply.wants_data());
    let waiting = replies.len() == commands.len() && replies.last().is_some_and(Reply::wants_data);
    match (refusal, waiting) {
        (None, true) => {
            begun.store(true, Ordering::SeqCst);
            exchange.content(&stuffed(&job.bytes)).await
        }
        (None, false) => broken("the server answered the commands out of order"),
        (Some((refusal, step)), waiting) => {
            let mut ended = sender_refused(job, refusal, step).unwrap_or_else(|| judged(refusal, step));
            ended.keeps_session = ended.keeps_session && exchange.reset(waiting).await;
            ended
        }
    }
}

/// The MAIL command with the parameters this mail needs and the server knows.
fn mail_command(job: &RelayJob, offers: Offers) -> Result<String, &'static str> {
    if !has_only_crlf(&job.bytes) {
        return Err("the mail holds a bare CR or LF and was not sent; this is a fault of postern");
    }
    let sender = job.sender.as_ref().map_or("", |address| address.as_str());
    let mut command = format!("MAIL FROM:<{sender}>");
    if offers.size {
        command.push_str(&format!(" SIZE={}", job.bytes.len()));
    }
    if !job.bytes.is_ascii() {
        if !offers.eight_bit {
            return Err("the mail has 8-bit text and the server does not offer 8BITMIME");
        }
        command.push_str(" BODY=8BITMIME");
    }
    if !sender.is_ascii() || !job.recipient.as_str().is_ascii() {
        if !offers.smtputf8 {
            return Err("the address is not ASCII and the server does not offer SMTPUTF8");
        }
        command.push_str(" SMTPUTF8");
    }
    if offers.dsn {
        // A bounce need not carry the text back to us.
        command.push_str(" RET=HDRS");
    }
    command.push_str("\r\n");
    Ok(command)
}

/// One transaction under way.
struct Exchange<'a> {
    session: &'a mut Session,
    limits: &'a Timeouts,
    end: Instant,
}

impl Exchange<'_> {
    /// Sends the commands and reads their replies: all of them under PIPELINING, else up to the first refusal.
    async fn envelope(&mut self, commands: &[String]) -> Result<Vec<Reply>, Ended> {
        let pipelining = self.session.offers.pipelining;
        let mut replies = Vec::with_capacity(commands.len());
        if pipelining {
            self.say(&commands.concat()).await.map_err(|error| gone(&error, true))?;
        }
        for (command, step) in commands.iter().zip(STEPS) {
            let first = replies.is_empty();
            if !pipelining {
                self.say(command).await.map_err(|error| gone(&error, first))?;
            }
            let reply = self.hear(self.limits.command).await.map_err(|error| gone(&error, first))?;
            if reply.code == 421 {
                // The server is closing (RFC 5321 section 3.8): no more replies will come.
                let lost_before_mail = first;
                return Err(Ended { keeps_session: false, lost_before_mail, ..judged(&reply, step) });
            }
            let refused = !reply.is_done() && !reply.wants_data();
            replies.push(reply);
            if refused && !pipelining {
                break;
            }
        }
        Ok(replies)
    }

    /// Sends the mail, which ends in the final dot, and waits for the verdict.
    async fn content(&mut self, bytes: &[u8]) -> Ended {
        let mut rest = bytes;
        while !rest.is_empty() {
            let block = rest.get(..BLOCK_BYTES).unwrap_or(rest);
            let deadline = self.deadline(self.limits.data);
            match timed(deadline, self.session.wire.write(block)).await {
                Ok(0) => return gone(&io::ErrorKind::WriteZero.into(), false),
                Ok(count) => rest = rest.get(count..).unwrap_or_default(),
                Err(error) => return gone(&error, false),
            }
        }
        // From here on every byte has been handed over, and TLS may send it whatever flush answers.
        let deadline = self.deadline(self.limits.data);
        let flushed = timed(deadline, self.session.wire.flush()).await;
        let answer = match flushed {
            Ok(()) => self.hear(self.limits.final_dot).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(reply) if matches!(reply.code / 100, 2 | 4 | 5) => judged(&reply, Step::Content),
            Ok(_) => Ended { verdict: RelayVerdict::Unknown, ..broken("the answer to the final dot was no verdict") },
            Err(error) => {
                let why = format!("no answer to the final dot: {}", error.kind());
                Ended { verdict: RelayVerdict::Unknown, ..broken(&why) }
            }
        }
    }

    /// Leaves the refused transaction; says whether the session is fit for another.
    async fn reset(&mut self, waiting_for_data: bool) -> bool {
        if waiting_for_data {
            // The server took DATA though it refused the recipient: an empty mail for nobody ends it (RFC 2920 section 3.1).
            if self.say(".\r\n").await.is_err() || self.hear(self.limits.final_dot).await.is_err() {
                return false;
            }
        }
        self.say("RSET\r\n").await.is_ok() && self.hear(self.limits.command).await.is_ok_and(|reply| reply.is_done())
    }

    async fn say(&mut self, command: &str) -> io::Result<()> {
        let deadline = self.deadline(self.limits.command);
        timed(deadline, async {
            self.session.wire.write_all(command.as_bytes()).await?;
            self.session.wire.flush().await
        })
        .await
    }

    async fn hear(&mut self, limit: Duration) -> io::Result<Reply> {
        let deadline = self.deadline(limit);
        timed(deadline, read_reply(&mut self.session.wire)).await
    }

    fn deadline(&self, limit: Duration) -> Instant {
        (Instant::now() + limit).min(self.end)
    }
}

async fn timed<T>(deadline: Instant, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout_at(deadline, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// A refusal of our return path, which would hit every mail: mail waits until the settings fit the host.
fn sender_refused(job: &RelayJob, reply: &Reply, step: Step) -> Option<Ended> {
    // 552 is about the mail's size, 555 about a parameter; 530 and 535 about our login.
    let about_sender = matches!(reply.code, 501 | 550 | 551 | 553 | 554) && step == Step::Sender;
    if !about_sender || asked_by(reply, step).is_some() {
        return None;
    }
    let advice = match &job.sender {
        None => "the null return path; set addressing.bounce_address to \"verp\" or \"plain\"",
        Some(sender) if sender.detail().is_some() => {
            "the keyed return path; set addressing.bounce_address to \"plain\""
        }
        Some(_) => "our own address as return path; correct instance.address, or the rights of the relay's user",
    };
    let message = format!("the server refuses {advice} ({})", reply.status());
    let fault = PortError { class: ErrorClass::Configuration, message: message.clone() };
    Some(Ended { fault: Some(fault), ..verdict(RelayVerdict::Deferred, message) })
}

/// The verdict in a reply. 530 and its kin speak of our session, not of this mail.
fn judged(reply: &Reply, step: Step) -> Ended {
    let rest = asked_by(reply, step);
    let ours = matches!(reply.code, 530 | 534 | 535 | 538);
    let fault = ours.then(|| PortError {
        class: ErrorClass::Authentication,
        message: format!(
            "the server wants another authentication ({}); check user, password and security",
            reply.status()
        ),
    });
    let judgement = match reply.code / 100 {
        2 => RelayVerdict::Accepted,
        5 if !ours && rest.is_none() => RelayVerdict::Refused,
        _ => RelayVerdict::Deferred,
    };
    Ended { fault, rest, keeps_session: reply.code != 421, ..verdict(judgement, reply.status()) }
}

fn verdict(verdict: RelayVerdict, detail: String) -> Ended {
    Ended { verdict, detail, keeps_session: true, lost_before_mail: false, fault: None, rest: None }
}

/// The replies cannot be trusted any more.
fn broken(words: &str) -> Ended {
    Ended { keeps_session: false, ..verdict(RelayVerdict::Deferred, words.to_owned()) }
}

/// The session failed before the final dot was handed over.
fn gone(error: &io::Error, before_mail: bool) -> Ended {
    let detail = format!("the connection failed before the final dot: {}", error.kind());
    let fault = PortError { class: ErrorClass::Temporary, message: detail.clone() };
    // A silent server is no session that ran out: trying once more would only wait again.
    let lost_before_mail = before_mail && error.kind() != io::ErrorKind::TimedOut;
    Ended { fault: Some(fault), lost_before_mail, ..broken(&detail) }
}

/// The mail with its leading dots doubled and the final dot behind it (RFC 5321 section 4.5.2).
fn stuffed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 64 + 8);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            out.push(b'.');
        }
        out.extend_from_slice(line);
    }
    if !bytes.is_empty() && !bytes.ends_with(b"\r\n") {
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

/// Whether every CR is followed by a LF and every LF follows a CR.
fn has_only_crlf(bytes: &[u8]) -> bool {
    let mut last = 0;
    for byte in bytes {
        if (last == b'\r') != (*byte == b'\n') {
            return false;
        }
        last = *byte;
    }
    last != b'\r'
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::{Address, OutboxId};
    use std::sync::Arc;

    fn job(sender: Option<&str>, recipient: &str, bytes: &[u8]) -> RelayJob {
        RelayJob {
            id: OutboxId(1),
            sender: sender.map(|text| Address::parse(text).unwrap()),
            recipient: Address::parse(recipient).unwrap(),
            bytes: Arc::new(bytes.to_vec()),
        }
    }

    fn nothing() -> Offers {
        Offers::default()
    }

    #[test]
    fn the_mail_command_asks_for_what_the_mail_needs() {
        let all = Offers { pipelining: true, size: true, eight_bit: true, smtputf8: true, dsn: true, ..nothing() };
        let plain = job(Some("a@example.org"), "b@example.org", b"x\r\n");
        assert_eq!(mail_command(&plain, nothing()), Ok("MAIL FROM:<a@example.org>\r\n".to_owned()));
        let null = job(None, "bj\u{f6}rn@example.org", "\u{e9}\r\n".as_bytes());
        assert_eq!(mail_command(&null, all), Ok("MAIL FROM:<> SIZE=4 BODY=8BITMIME SMTPUTF8 RET=HDRS\r\n".to_owned()));
        assert!(mail_command(&null, Offers { smtputf8: false, ..all }).is_err());
        assert!(mail_command(&null, Offers { eight_bit: false, ..all }).is_err());
    }

    #[test]
    fn d9_a_bare_cr_or_lf_never_leaves() {
        for bytes in [&b"a\n.\r\nMAIL"[..], b"a\r.\r\n", b"\n", b"a\r", b"a\r\r\n"] {
            assert!(mail_command(&job(None, "b@example.org", bytes), nothing()).is_err(), "{bytes:?}");
        }
        assert!(has_only_crlf(b"") && has_only_crlf(b"a\r\n\r\nb\r\n") && has_only_crlf(b"a"));
    }

    #[test]
    fn only_leading_dots_are_doubled() {
        assert_eq!(stuffed(b".a\r\nb.c.\r\n..\r\n.\r\n"), b"..a\r\nb.c.\r\n...\r\n..\r\n.\r\n");
        assert_eq!(stuffed(b"a"), b"a\r\n.\r\n");
        assert_eq!(stuffed(b""), b".\r\n");
    }

    #[test]
    fn a_refused_return_path_says_which_setting_to_change_and_keeps_the_mail() {
        let sender = |sender| job(sender, "b@example.org", b"x\r\n");
        for (from, advice) in [(None, "\"verp\" or \"plain\""), (Some("a+b.c.d@example.org"), "to \"plain\"")] {
            let ended = sender_refused(&sender(from), &Reply::of(550, "5.7.1 no"), Step::Sender).unwrap();
            assert_eq!(ended.verdict, RelayVerdict::Deferred);
            assert!(
                ended.detail.contains("addressing.bounce_address") && ended.detail.contains(advice),
                "{}",
                ended.detail
            );
        }
        assert!(sender_refused(&sender(None), &Reply::of(552, "5.3.4 too big"), Step::Sender).is_none());
        assert!(sender_refused(&sender(None), &Reply::of(550, "5.1.1 nobody"), Step::Recipient).is_none());
    }

    #[test]
    fn a_refusal_of_our_session_is_not_held_against_the_mail() {
        let judge = |code| judged(&Reply::of(code, ""), Step::Recipient);
        assert_eq!(judge(550).verdict, RelayVerdict::Refused);
        assert_eq!(judge(450).verdict, RelayVerdict::Deferred);
        assert_eq!(judge(250).verdict, RelayVerdict::Accepted);
        let ended = judge(530);
        assert_eq!(ended.verdict, RelayVerdict::Deferred);
        assert_eq!(ended.fault.unwrap().class, ErrorClass::Authentication);
    }
}

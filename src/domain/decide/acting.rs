//! What applying commands takes along: who acts, what the world holds, and how the others learn of it.

use super::desk::{Desk, Letter};
use crate::domain::command::{Block, parse};
use crate::domain::effect::{Automatic, MailKind, Pending};
use crate::domain::event::{AckCounts, CaseLine, WaitingMail};
use crate::domain::id::Address;
use crate::domain::party::PartyKey;
use crate::domain::template::Template;

/// Who acts, and what proved it.
pub(super) struct Acting {
    pub member: PartyKey,
    pub proof: String,
    pub keyless: bool,
}

/// What the snapshot brings beside the case.
pub(super) struct World {
    pub open_cases: Vec<CaseLine>,
    pub waiting: Vec<WaitingMail>,
    pub confirmation: Option<Pending>,
    pub acks: Vec<(Address, AckCounts)>,
    pub report_text: Option<String>,
}

/// Reads a stored block again, on behalf of the member who wrote it.
pub(super) fn stored_block(block: &str, body: &str, prefix: &str) -> Block {
    let mut read = parse(block, None, prefix);
    body.clone_into(&mut read.body);
    read
}

/// Shows the other members what one of them wrote or did.
pub(super) fn share_note(desk: &mut Desk<'_>, author: &PartyKey, audience: &str, text: &str) {
    share(desk, author, audience, text, None);
}

/// The same, with what was opened of a part of the mail, for those whose copy is encrypted.
pub(super) fn share(desk: &mut Desk<'_>, author: &PartyKey, audience: &str, text: &str, partial: Option<&str>) {
    let (title, name) = (desk.title(), desk.rules.name_of(author));
    let text = text.lines().map(|line| if line.starts_with('!') { format!(" {line}\n") } else { format!("{line}\n") });
    let text: String = text.collect();
    desk.mail_team(Some(author), || {
        Letter::new(MailKind::Note, Template::Note, Automatic::Generated)
            .with("title", title.clone())
            .with("author", name.clone())
            .with("audience", audience)
            .with("text", text.trim_end())
            .with_partial(partial.map(str::to_owned))
    });
}

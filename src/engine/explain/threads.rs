//! Conversations among mails, by Message-ID, In-Reply-To and References alone: before anybody asks who may join what.
//!
//! Mails that share an id directly or through others are one conversation. Never looks at subjects or dates. Memory is
//! bounded: beyond the limit of ids, a mail is joined by the ids that are known already, and by no new one.

use std::collections::HashMap;

use crate::domain::id::MessageId;
use crate::domain::token::digest_hex;
use crate::mail::parse::{Mailbox, ParsedMail};

/// Different ids that are kept.
const IDS_MAX: usize = 4_000_000;

/// The conversations seen so far.
#[derive(Default)]
pub struct Threads {
    numbers: HashMap<String, usize>,
    nodes: Vec<Node>,
    /// References that count only if they turn out to be the Message-ID of a mail.
    doubtful: Vec<(usize, String)>,
}

#[derive(Clone, Copy)]
struct Node {
    above: usize,
    /// Whether another id stands before it in some mail.
    answers: bool,
    /// Whether it is the Message-ID of a mail seen.
    is_mail: bool,
}

/// The place of a mail among the conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(Option<usize>);

impl Threads {
    /// Takes a mail in; the place stays good until the last mail is in, when [`Threads::finish`] tells the names.
    pub fn add(&mut self, mail: &ParsedMail) -> Place {
        let mut chain: Vec<&str> = Vec::new();
        let mut doubtful = Vec::new();
        for id in mail.references.iter().chain(&mail.in_reply_to).map(MessageId::as_str) {
            if is_party(mail, id) || chain.contains(&id) {
                continue;
            }
            if id.contains('@') { chain.push(id) } else { doubtful.push(id) }
        }
        let own = mail.message_id.as_ref().map(MessageId::as_str);
        let mut above: Option<usize> = None;
        for id in chain.into_iter().filter(|id| Some(*id) != own) {
            above = self.link(above, id).or(above);
        }
        let place = match own {
            Some(own) => self.link(above, own).or(above),
            None => above,
        };
        if let (Some(node), Some(_)) = (place.and_then(|place| self.nodes.get_mut(place)), own) {
            node.is_mail = true;
        }
        if let Some(place) = place {
            let room = IDS_MAX.saturating_sub(self.doubtful.len());
            self.doubtful.extend(doubtful.into_iter().take(room).map(|id| (place, id.to_owned())));
        }
        Place(place)
    }

    /// As [`Threads::add`]; of what is no mail, a place of its own.
    pub fn add_maybe(&mut self, mail: Option<&ParsedMail>) -> Place {
        mail.map_or(Place(None), |mail| self.add(mail))
    }

    /// Names each conversation by its oldest id.
    #[must_use]
    pub fn finish(mut self) -> Named {
        for (place, id) in std::mem::take(&mut self.doubtful) {
            let Some(&number) = self.numbers.get(&id) else { continue };
            if self.nodes.get(number).is_some_and(|node| node.is_mail) {
                self.join(number, place);
                self.nodes.iter_mut().skip(place).take(1).for_each(|node| node.answers = true);
            }
        }
        let numbers = std::mem::take(&mut self.numbers);
        // The name must not depend on the order of the files, so of several oldest ids the first by letters counts.
        let mut names: HashMap<usize, (bool, String)> = HashMap::new();
        for (id, number) in numbers {
            let answers = self.nodes.get(number).is_some_and(|node| node.answers);
            let root = self.root(number);
            match names.get_mut(&root) {
                Some(best) if (answers, id.as_str()) < (best.0, best.1.as_str()) => *best = (answers, id),
                Some(_) => {}
                None => {
                    names.insert(root, (answers, id));
                }
            }
        }
        let roots = (0..self.nodes.len()).map(|number| self.root(number)).collect();
        Named { roots, names: names.into_iter().map(|(root, (_, name))| (root, name)).collect() }
    }

    /// Joins an id to the one before it; `None` when there is no room for a new id.
    fn link(&mut self, before: Option<usize>, id: &str) -> Option<usize> {
        let number = match self.numbers.get(id) {
            Some(number) => *number,
            None if self.nodes.len() >= IDS_MAX => return None,
            None => {
                let number = self.nodes.len();
                self.nodes.push(Node { above: number, answers: false, is_mail: false });
                self.numbers.insert(id.to_owned(), number);
                number
            }
        };
        if let Some(before) = before {
            self.join(before, number);
            if let Some(node) = self.nodes.get_mut(number) {
                node.answers = true;
            }
        }
        Some(number)
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        // The older one stays on top, so that the outcome is repeatable.
        if let Some(node) = self.nodes.get_mut(a.max(b)) {
            node.above = a.min(b);
        }
    }

    /// The top of a conversation; shortens the way for the next time.
    fn root(&mut self, number: usize) -> usize {
        let mut at = number;
        // What is above has a lower number or is the same, so this ends.
        while let Some(above) = self.nodes.get(at).map(|node| node.above).filter(|above| *above != at) {
            let next = self.nodes.get(above).map_or(above, |node| node.above);
            if let Some(node) = self.nodes.get_mut(at) {
                node.above = next;
            }
            at = next;
        }
        at
    }
}

/// The conversations with their names.
pub struct Named {
    roots: Vec<usize>,
    names: HashMap<usize, String>,
}

impl Named {
    /// The conversation of a mail: its oldest known id. One without any id stands for itself, by its file.
    #[must_use]
    pub fn of(&self, place: Place, file: &str) -> String {
        let named = place.0.and_then(|number| self.names.get(self.roots.get(number)?));
        named.cloned().unwrap_or_else(|| format!("alone:{}", digest_hex(file.as_bytes())))
    }
}

/// Some programs write the address of the one who is answered where an id belongs.
fn is_party(mail: &ParsedMail, id: &str) -> bool {
    let is = |mailbox: &Mailbox| mailbox.raw.eq_ignore_ascii_case(id);
    mail.from.iter().chain(&mail.to).chain(&mail.cc).any(is)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mail::parse::{Limits, parse};

    /// The conversations of mails with these header fields.
    fn threads(heads: &[&str]) -> Vec<String> {
        let mut threads = Threads::default();
        let parse = |head: &&str| parse(format!("From: a@b.example\n{head}\n\nx").as_bytes(), &Limits::default());
        let places: Vec<_> = heads.iter().map(|head| threads.add(&parse(head))).collect();
        let named = threads.finish();
        places.iter().enumerate().map(|(at, place)| named.of(*place, &at.to_string())).collect()
    }

    #[test]
    fn answers_belong_to_what_they_answer_in_any_order() {
        let heads = [
            "Message-ID: <1@x>",
            "Message-ID: <2@x>\nIn-Reply-To: <1@x>",
            "Message-ID: <3@x>\nReferences: <1@x> <2@x>",
        ];
        assert_eq!(threads(&heads), ["1@x"; 3]);
        let turned: Vec<_> = heads.iter().rev().copied().collect();
        assert_eq!(threads(&turned), ["1@x"; 3]);
    }

    #[test]
    fn mails_that_share_an_ancestor_that_is_not_there_are_one_conversation() {
        let found = threads(&["Message-ID: <2@x>\nReferences: <1@x>", "In-Reply-To: <1@x>", "Message-ID: <9@x>"]);
        assert_eq!(found, ["1@x", "1@x", "9@x"]);
    }

    #[test]
    fn a_mail_without_ids_is_alone_even_among_its_like() {
        let found = threads(&["Subject: a", "Subject: a"]);
        assert_ne!(found[0], found[1]);
    }

    #[test]
    fn a_word_joins_only_when_it_is_the_id_of_a_mail() {
        let found = threads(&["Message-ID: <1@x>\nIn-Reply-To: <none>", "Message-ID: <2@x>\nIn-Reply-To: <none>"]);
        assert_ne!(found[0], found[1]);
        let found = threads(&["Message-ID: <1@x>\nIn-Reply-To: <odd>", "Message-ID: <odd>"]);
        assert_eq!(found, ["odd"; 2]);
    }

    #[test]
    fn an_address_in_the_place_of_an_id_joins_nothing() {
        let head = |id: &str| format!("Message-ID: <{id}>\nTo: c@d.example\nIn-Reply-To: <c@d.example>");
        let found = threads(&[&head("1@x"), &head("2@x")]);
        assert_eq!(found, ["1@x", "2@x"]);
    }

    #[test]
    fn two_conversations_are_joined_by_a_mail_that_knows_both_and_a_circle_ends() {
        let found = threads(&["Message-ID: <1@x>", "Message-ID: <2@x>", "References: <1@x> <2@x>"]);
        assert_eq!(found, ["1@x"; 3]);
        let circle = ["Message-ID: <1@x>\nReferences: <2@x>", "Message-ID: <2@x>\nReferences: <1@x>"];
        assert_eq!(threads(&circle), ["1@x"; 2]);
    }
}

//! The table of fates: what becomes of a mail that was read, and which case it belongs to.
//!
//! Gathers what the mail points at from the store; the choice among it is `domain::joining`'s.

use crate::domain::case::Case;
use crate::domain::command::{self, Command};
use crate::domain::event::{
    Answerable, Authenticity, Delivery, DeliveryOutcome, Event, Fate, Incoming, NonceSeen, Proof, SignatureSeen,
    Snapshot, TeamMail, WaitingMail,
};
use crate::domain::id::{Address, CaseId, MailId};
use crate::domain::joining::{AuthorProof, Hit, Joining, KnownSender, Pointer, join};
use crate::domain::party::{Member, Party, PartyKey, Role};
use crate::domain::rules::Rules;
use crate::domain::time::{DAY, HOUR, Timestamp};
use crate::domain::token;
use crate::engine::read::Reading;
use crate::mail::bounce::{Action, BounceReport};
use crate::mail::classify::{MailClass, is_read};
use crate::mail::intake::Reporter;
use crate::mail::parse::TextSource;
use crate::mail::thread::is_forward;
use crate::pgp::open::Signature;
use crate::store::{Session, StoreError, StoredMail, Written};

mod sent;

/// A mail older than this is never acknowledged by itself.
const ACK_AGE_MAX: std::time::Duration = DAY.saturating_mul(7);
/// Notes of one member in one case that are answered within an hour; more come from a program without any sign of one.
const NOTES_PER_HOUR_MAX: u32 = 20;
/// Cases and waiting mails shown by `!list`.
const LISTED_MAX: usize = 100;
/// Mails written by hand to nobody we know, shown by `!list` below those.
const UNPLACED_LISTED_MAX: usize = 10;

/// Why a mail is put aside that nothing but words take from a person.
const BY_WORDS: &str =
    "only its words read like a mail host's or a vacation program's; if a person wrote it, answer by hand";

/// What becomes of a mail.
pub(super) enum Ruling {
    /// Nothing happens to any case.
    Settled(Fate),
    /// It is put aside, and the team is told why.
    Alarming(String),
    /// Something happens.
    Happens {
        /// What.
        event: Box<Event>,
        /// What becomes of the mail with it.
        fate: Fate,
        /// What the decision needs to know.
        snapshot: Box<Snapshot>,
    },
}

impl Ruling {
    fn happens(event: Event, fate: Fate, snapshot: Snapshot) -> Self {
        Self::Happens { event: Box::new(event), fate, snapshot: Box::new(snapshot) }
    }

    fn aside(reason: &str) -> Self {
        Self::Settled(Fate::Quarantined(reason.to_owned()))
    }
}

/// Where a mail is being judged.
struct Bench<'a> {
    session: &'a Session<'a>,
    rules: &'a Rules,
    mail: &'a StoredMail,
    reading: &'a Reading,
    now: Timestamp,
}

/// Judges one mail.
pub(super) fn judge(
    session: &Session<'_>,
    rules: &Rules,
    mail: &StoredMail,
    reading: &Reading,
    now: Timestamp,
) -> Result<Ruling, StoreError> {
    let bench = Bench { session, rules, mail, reading, now };
    if mail.sent {
        return bench.sent();
    }
    if mail.admitted.is_none()
        && let Some(first) = bench.same_mail()?
    {
        return Ok(Ruling::Settled(Fate::Duplicate(first)));
    }
    if let Some(size) = mail.oversize {
        return Ok(Ruling::Alarming(format!(
            "only its header was fetched: it has {size} bytes, more than the limit, or the server could not deliver it whole; \
             the whole mail lies on the server"
        )));
    }
    if mail.junk && mail.admitted.is_none() {
        return Ok(Ruling::aside("the mail host took it for spam"));
    }
    // A member's robot would answer the alarm, and so on for ever.
    let told = reading.by_words_alone && reading.author.as_ref().is_none_or(|author| bench.member_at(author).is_none());
    match &reading.class {
        MailClass::Automatic(_) if told => Ok(Ruling::Alarming(BY_WORDS.to_owned())),
        MailClass::Bounce(report) if told => match bench.bounce(report)? {
            Ruling::Settled(Fate::Quarantined(_)) => Ok(Ruling::Alarming(BY_WORDS.to_owned())),
            counted @ (Ruling::Settled(_) | Ruling::Alarming(_) | Ruling::Happens { .. }) => Ok(counted),
        },
        MailClass::Own => Ok(Ruling::aside("a mail of our own came back")),
        MailClass::List { .. } => Ok(Ruling::aside("came over a mailing list that is no source of reports")),
        MailClass::Automatic(_) => bench.automatic(),
        MailClass::Bounce(report) => bench.bounce(report),
        MailClass::Person | MailClass::Intake { .. } => bench.person(),
    }
}

impl Bench<'_> {
    /// An earlier mail that is this one: equal apart from its way here, or rendered anew by its server.
    fn same_mail(&self) -> Result<Option<MailId>, StoreError> {
        let first = self.session.find_same(self.mail.id)?;
        let (None, Some(author), Some(id)) = (first, &self.reading.author, &self.reading.mail.message_id) else {
            return Ok(first);
        };
        self.session.find_same_rendered(id, author, &self.reading.content_digest, self.mail.id)
    }

    fn person(&self) -> Result<Ruling, StoreError> {
        let Some(author) = self.reading.author.as_ref() else {
            return Ok(Ruling::Alarming(
                "it has no author, or more than one; look at it in the archive folder".to_owned(),
            ));
        };
        if author.same_mailbox(&self.rules.address) {
            return Ok(Ruling::Alarming("it claims to come from our own address".to_owned()));
        }
        // As a reporter the list would get the receipt, and every letter of the team.
        if self.rules.lists.iter().any(|list| list.address.same_mailbox(author)) {
            return Ok(Ruling::Alarming("it claims to come from a mailing list that we publish on".to_owned()));
        }
        if self.member_at(author).is_none()
            && let Some(case) = self.mail.admitted.map(|case| self.session.case(case)).transpose()?.flatten()
            && let Some(party) = case.party_at(author).map(|party| party.key.clone())
        {
            return self.joins(case.id, party, author);
        }
        if let Some(member) = self.member_at(author)
            && let Some(ruling) = self.member(member, author)?
        {
            return Ok(ruling);
        }
        let hits = self.hits(author)?;
        match join(&hits) {
            Joining::Joins(case, sender) => self.joins(case, sender.party, author),
            Joining::Held(case, given_to) => self.held(case, author, given_to),
            Joining::Opens { claims } => self.opens(author, claims),
        }
    }

    /// The member who wrote. Whom a form or a list names as its reporter is no member by that.
    fn member_at(&self, author: &Address) -> Option<&Member> {
        self.rules.member_at(author).filter(|_| self.reading.reporter == Reporter::Author)
    }

    fn opens(&self, author: &Address, claims: Option<CaseId>) -> Result<Ruling, StoreError> {
        let claimed = claims.map(|case| self.session.case(case)).transpose()?.flatten();
        let claims = claimed.map(|case| case.label.to_string());
        let case = self.session.new_case(&self.rules.case_prefix, self.now)?;
        let fate = Fate::Joined(case.id, case.next_key(Role::Reporter));
        let acks = vec![(author.clone(), self.session.ack_counts(author, self.now)?)];
        let own_id = self.reading.outer_message_id.as_ref();
        let answered_before =
            own_id.map(|id| self.session.answered_before(id, author)).transpose()?.unwrap_or_default();
        let snapshot = Snapshot { case: Some(case), acks, answered_before, ..Snapshot::default() };
        Ok(Ruling::happens(
            Event::ReportReceived(Box::new(Incoming {
                claims,
                forwarded: self.forwarded(author),
                ..self.incoming(author)
            })),
            fate,
            snapshot,
        ))
    }

    /// Whom a forwarded mail names as its author, where it may be somebody outside.
    fn forwarded(&self, author: &Address) -> Option<Address> {
        let inner = self.reading.forwarded.as_ref().filter(|_| self.reading.reporter == Reporter::Author)?;
        let ours = inner.from.without_detail().same_mailbox(&self.rules.address.without_detail());
        let listed = self.rules.lists.iter().any(|list| list.address.same_mailbox(&inner.from));
        let known = ours || listed || self.rules.member_at(&inner.from).is_some() || inner.from.same_mailbox(author);
        (!known).then(|| inner.from.clone())
    }

    fn joins(&self, case: CaseId, party: PartyKey, author: &Address) -> Result<Ruling, StoreError> {
        let snapshot = Snapshot { case: self.session.case(case)?, ..Snapshot::default() };
        let event = Event::ReplyReceived(party.clone(), Box::new(self.incoming(author)));
        Ok(Ruling::happens(event, Fate::Joined(case, party), snapshot))
    }

    fn held(&self, case: CaseId, author: &Address, given_to: Option<PartyKey>) -> Result<Ruling, StoreError> {
        let snapshot = Snapshot { case: self.session.case(case)?, ..Snapshot::default() };
        Ok(Ruling::happens(Event::MailHeld(Box::new(self.incoming(author)), given_to), Fate::Held(case), snapshot))
    }

    /// Mail in a member's name; `None` where it is to be taken for a stranger's report.
    fn member(&self, member: &Member, author: &Address) -> Result<Option<Ruling>, StoreError> {
        let quoted = self.reading.quoted_case.as_deref();
        let own_text = if self.plain() { self.reading.own_text.as_str() } else { "" };
        let mut block = command::parse(own_text, quoted, &self.rules.case_prefix);
        if !self.plain() {
            block.body.clone_from(&self.reading.own_text);
        }
        let pointed =
            self.hits(author)?.into_iter().find(|hit| hit.sender.as_ref().is_some_and(|sender| sender.member));
        let named = block.case.map(|case| self.session.case(case)).transpose()?.flatten();
        let case = match (named, self.mail.admitted.or(pointed.map(|hit| hit.case))) {
            (Some(case), _) => Some(case),
            (None, Some(case)) => self.session.case(case)?,
            (None, None) => None,
        };
        let signature = self.signature_of(member)?;
        let authenticated = signature.is_some() || self.reading.authenticity == Authenticity::Pass;
        let nonce = block.nonce.as_ref().map(|nonce| -> Result<NonceSeen, StoreError> {
            let live = self.session.nonce_live(nonce, &member.key, case.as_ref().map(|case| case.id))?;
            Ok(NonceSeen { nonce: nonce.clone(), live })
        });
        let nonce = nonce.transpose()?;
        let by_reply_address = case.as_ref().is_some_and(|case| self.at_address_of(case.id, &member.key));
        let proof = Proof {
            authenticated,
            by_reply_address,
            names_case: block.case.is_some() && block.case == case.as_ref().map(|case| case.id),
            nonce,
            signature,
        };
        // What only a member can know proves him, unless his domain says that the mail is not his.
        let knows = by_reply_address || proof.nonce.as_ref().is_some_and(|nonce| nonce.live);
        let proved = authenticated || (knows && self.reading.authenticity != Authenticity::Fail);
        let commands = block.commands().next().is_some() || block.has_errors();
        let Some(case) = case else {
            // Without a case a member can list and ask for help; anything else is his own report.
            return if commands { self.team_mail(member, author, proof, block, None).map(Some) } else { Ok(None) };
        };
        if !proved && !commands && self.mail.admitted.is_none() {
            return self.held(case.id, author, None).map(Some);
        }
        if !commands && self.session.transcripts(case.id, &member.key, self.now.before(HOUR))? >= NOTES_PER_HOUR_MAX {
            // Each note is answered and shown to the others: two programs that answer everything would never end.
            return Ok(Some(Ruling::aside(
                "a note of a member who wrote too many in an hour; a program may be answering us",
            )));
        }
        self.team_mail(member, author, proof, block, Some(case)).map(Some)
    }

    /// Commands are read from plain text alone, and never from a mail of which only a part is signed or encrypted.
    fn plain(&self) -> bool {
        self.reading.mail.text_from == TextSource::Plain && !self.reading.partial
    }

    fn team_mail(
        &self,
        member: &Member,
        author: &Address,
        proof: Proof,
        block: command::Block,
        case: Option<Case>,
    ) -> Result<Ruling, StoreError> {
        let token = block.commands().find_map(Command::confirmed_token);
        let confirmation = match (token, &case) {
            (Some(token), Some(case)) => self.session.confirmation(token, case.id)?,
            (Some(_) | None, _) => None,
        };
        let fate = match &case {
            Some(case) => Fate::Joined(case.id, member.key.clone()),
            None => Fate::Answered,
        };
        let report_text = match &case {
            Some(case) => self.session.first_report(case.id)?,
            None => None,
        };
        let acks = block.commands().filter_map(Command::new_reporter);
        let acks = acks.map(|address| Ok((address.clone(), self.session.ack_counts(address, self.now)?)));
        let acks = acks.collect::<Result<Vec<_>, StoreError>>()?;
        let by_hand = case.as_ref().map(|case| self.session.answers_by_hand(case.id, &member.key)).transpose()?;
        let waiting = self.waiting(&block)?;
        let snapshot = Snapshot {
            case,
            open_cases: self.session.open_cases(LISTED_MAX)?,
            waiting,
            confirmation,
            acks,
            by_hand: by_hand.unwrap_or_default(),
            report_text,
            ..Snapshot::default()
        };
        let incoming = self.incoming(author);
        let mail = TeamMail { incoming, member: member.key.clone(), proof, block, plain: self.plain() };
        Ok(Ruling::happens(Event::TeamMail(Box::new(mail)), fate, snapshot))
    }

    /// What waits for a member. What a command names is there however long the list has become, with all that is held
    /// of the same sender.
    fn waiting(&self, block: &command::Block) -> Result<Vec<WaitingMail>, StoreError> {
        let mut waiting = self.session.waiting(LISTED_MAX)?;
        let mut more = self.session.unplaced(UNPLACED_LISTED_MAX)?;
        for mail in block.commands().filter_map(Command::waiting_mail) {
            let Some(named) = self.session.waiting_mail(mail)? else { continue };
            if let (Some(case), Some(from)) = (named.claims, &named.from) {
                more.extend(self.session.held_of(case, from, LISTED_MAX)?);
            }
            more.push(named);
        }
        for mail in more {
            if !waiting.iter().any(|listed| listed.mail == mail.mail) {
                waiting.push(mail);
            }
        }
        Ok(waiting)
    }

    /// A good signature over the whole by the member's pinned key, and whether it was seen before.
    fn signature_of(&self, member: &Member) -> Result<Option<SignatureSeen>, StoreError> {
        let (Some(pinned), false) = (&member.fingerprint, self.reading.partial) else { return Ok(None) };
        match &self.reading.signature {
            Signature::Good { fingerprint, made_at, digest, .. } if fingerprint == pinned => Ok(Some(SignatureSeen {
                fingerprint: fingerprint.clone(),
                made_at: *made_at,
                digest: digest.clone(),
                seen_before: self.session.signature_seen(digest)?,
            })),
            Signature::Good { .. }
            | Signature::None
            | Signature::Bad
            | Signature::UnknownKey { .. }
            | Signature::Invalid { .. } => Ok(None),
        }
    }

    fn at_address_of(&self, case: CaseId, party: &PartyKey) -> bool {
        let expected = self.rules.key.party_token(case, &party.0);
        self.reading.keys.tokens.iter().any(|(pointed, given, _)| *pointed == case && token::same(given, &expected))
    }

    /// Everything the mail points at, in the order in which it counts.
    fn hits(&self, author: &Address) -> Result<Vec<Hit>, StoreError> {
        let mut hits = Vec::new();
        for (case, given, _) in &self.reading.keys.tokens {
            let Some(known) = self.session.case(*case)? else { continue };
            let mut parties =
                known.parties.iter().map(|party| &party.key).chain(self.rules.team.iter().map(|member| &member.key));
            let whose = parties.find(|party| token::same(given, &self.rules.key.party_token(*case, &party.0)));
            if let Some(whose) = whose {
                hits.push(self.hit(&known, Pointer::Token, Some(whose), author));
            }
        }
        // A forward takes its matter to a new conversation, whatever it refers to.
        let references =
            if is_forward(&self.reading.mail.subject) { &[][..] } else { &self.reading.keys.references[..] };
        for id in references {
            for (case, written) in self.session.cases_of_message(id)? {
                let Some(known) = self.session.case(case)? else { continue };
                match written {
                    Written::ByUs(to) if self.rules.key.made(id) => {
                        hits.push(self.hit(&known, Pointer::OurMessage, to.as_ref(), author));
                    }
                    Written::ByUs(_) | Written::ByOthers => {
                        hits.push(self.hit(&known, Pointer::ForeignMessage, None, author));
                    }
                }
            }
        }
        if let Some(known) = self.reading.keys.tag.map(|case| self.session.case(case)).transpose()?.flatten() {
            hits.push(self.hit(&known, Pointer::Tag, None, author));
        }
        hits.sort_by_key(|hit| hit.pointer);
        // What only the inside points at counts for those whom the case knows. For anybody else it must make no
        // difference whether we could open his mail.
        hits.retain(|hit| hit.sender.is_some() || self.points_outside(hit));
        Ok(hits)
    }

    fn points_outside(&self, hit: &Hit) -> bool {
        let outer = &self.reading.outer_keys;
        match hit.pointer {
            Pointer::Token => outer.tokens.iter().any(|(case, _, _)| *case == hit.case),
            Pointer::OurMessage | Pointer::ForeignMessage => !outer.references.is_empty(),
            Pointer::Tag => outer.tag == Some(hit.case),
        }
    }

    /// One reference into a case; `whose` is the party we gave it to.
    fn hit(&self, case: &Case, pointer: Pointer, whose: Option<&PartyKey>, author: &Address) -> Hit {
        let by_domain = match self.reading.authenticity {
            Authenticity::Pass => AuthorProof::Proved,
            Authenticity::Unknown => AuthorProof::Claimed,
            Authenticity::Fail => AuthorProof::Refuted,
        };
        if let Some(member) = self.member_at(author) {
            let given = whose == Some(&member.key);
            let sender = Some(KnownSender { party: member.key.clone(), member: true });
            return Hit { case: case.id, pointer, sender, given, given_to: whose.cloned(), proof: by_domain };
        }
        let signed = self.reading.signed_by();
        let by_key = |party: &&Party| signed.is_some() && party.fingerprint.as_ref() == signed;
        let party = case.party_at(author).or_else(|| case.parties.iter().find(by_key));
        Hit {
            case: case.id,
            pointer,
            sender: party.map(|party| KnownSender { party: party.key.clone(), member: false }),
            given: party.is_some_and(|party| whose == Some(&party.key)),
            given_to: whose.cloned(),
            // Another party's signature says nothing about this one.
            proof: if party.as_ref().is_some_and(by_key) { AuthorProof::Proved } else { by_domain },
        }
    }

    /// A machine's mail: noted with the case it answers, or put aside.
    fn automatic(&self) -> Result<Ruling, StoreError> {
        let Some(author) = self.reading.author.as_ref() else { return Ok(Ruling::aside("automatic mail")) };
        let hit = self.hits(author)?.into_iter().find(|hit| hit.sender.is_some());
        let Some((case, sender)) = hit.and_then(|hit| Some((hit.case, hit.sender?))) else {
            return Ok(Ruling::aside("automatic mail"));
        };
        let snapshot = Snapshot { case: self.session.case(case)?, ..Snapshot::default() };
        Ok(Ruling::happens(Event::AutomaticReply(sender.party, self.mail.id), Fate::Noted(case), snapshot))
    }

    /// A bounce counts only where it carries our own mark: a keyed return path, or a Message-ID that we made.
    fn bounce(&self, report: &BounceReport) -> Result<Ruling, StoreError> {
        let keyed = report.verp.iter().filter_map(|address| self.rules.key.bounced_unique(address));
        let ids = report.original_message_ids.iter().filter(|id| self.rules.key.made(id));
        let ids = ids.filter_map(|id| id.as_str().split('.').next());
        let mut row = None;
        for unique in keyed.chain(ids) {
            row = self.session.row_of_message_unique(unique)?;
            if row.is_some() {
                break;
            }
        }
        let Some(row) = row else { return Ok(Ruling::aside("a bounce that belongs to no mail of ours")) };
        let Some(case) = row.case else {
            return Ok(Ruling::aside("a bounce of a mail of ours that belongs to no case"));
        };
        let failed =
            // A host that gave up after days says "failed" with the last, temporary status.
            report.recipients.iter().find(|recipient| recipient.action == Action::Failed);
        let Some(failed) = failed else { return Ok(Ruling::Settled(Fate::Noted(case))) };
        let status = failed
            .exact_status()
            .map(str::to_owned)
            .filter(|status| status.len() <= 16)
            .unwrap_or_else(|| "no status".to_owned());
        let delivery = Delivery {
            kind: row.kind,
            party: row.party,
            recipient: row.recipient,
            outcome: DeliveryOutcome::Bounced,
            detail: format!("status {status}"),
        };
        let snapshot = Snapshot { case: self.session.case(case)?, ..Snapshot::default() };
        Ok(Ruling::happens(Event::Delivery(delivery), Fate::Noted(case), snapshot))
    }

    /// Whether an acknowledgement may go to the author. What a source says of itself does not count for whom it names.
    fn wants_answers(&self, author: &Address) -> bool {
        match self.reading.reporter {
            Reporter::Author => self.reading.may_be_answered,
            Reporter::Named(_) => self.reading.named_outside && is_read(author),
            Reporter::Unnamed => false,
        }
    }

    fn incoming(&self, author: &Address) -> Incoming {
        let reading = self.reading;
        let sent = reading.outer_date.filter(|date| *date < self.mail.arrived).unwrap_or(self.mail.arrived);
        let old = self.now.since(sent) > ACK_AGE_MAX;
        let answerable = match self.mail.answerable {
            Answerable::Yes if old => Answerable::Old,
            Answerable::Yes if !self.wants_answers(author) => Answerable::NotWanted,
            as_stored @ (Answerable::Yes | Answerable::NotWanted | Answerable::Old) => as_stored,
        };
        Incoming {
            mail: self.mail.id,
            arrived: self.mail.arrived,
            from: author.clone(),
            subject: reading.mail.subject.clone(),
            text: reading.mail.text.clone(),
            partial_text: reading.partial_text.clone(),
            own_text: reading.own_text.clone(),
            message_id: reading.outer_message_id.clone(),
            form: reading.form,
            verdict: reading.verdict.clone(),
            authenticity: reading.authenticity,
            signed_by: reading.signed_by().cloned(),
            attachments: reading.attachment_names(),
            candidates: reading.candidates(),
            claims: None,
            forwarded: None,
            answerable,
        }
    }
}

//! A whole house without servers: the real engine on a real database, mail from and into Maildirs,
//! a clock set by hand. The demo plays on it, and so do scenarios.
//!
//! Randomness is seeded, so the same story gives the same labels, tokens and Message-IDs.

mod folders;
pub mod people;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::assemble::{self, DEFAULT_POLICY};
use super::exit::{CANNOT_CREATE, Failure, SOFTWARE};
use crate::adapters::clock::ManualClock;
use crate::adapters::disk::FreeSpace;
use crate::adapters::entropy::SeededEntropy;
use crate::adapters::maildir::{MaildirInbox, deliver};
use crate::adapters::outbox_folder::OutboxFolder;
use crate::adapters::site_folder::SiteFolder;
use crate::domain::advisory::Publisher;
use crate::domain::id::{Address, Fingerprint};
use crate::domain::party::{Audience, Member, TeamRole};
use crate::domain::rules::{ExternalList, Rules};
use crate::domain::time::{DAY, Timestamp};
use crate::domain::token::InstanceKey;
use crate::engine::step::{Adopt, Engine, Ports, ReturnPath, Setup};
use crate::mail::parse::Limits;
use crate::pgp::keyring::Keyring;
use crate::ports::{Clock, Entropy, Folder};
use crate::render;
use crate::store::Store;
use folders::Folders;
use people::Person;

/// The authserv-id of the mail host of a rehearsal.
pub const MAIL_HOST: &str = "mx.example.org";
/// Steps after which a house that does not come to rest is broken.
const STEPS_MAX: usize = 10_000;
/// Largest mail taken in, in bytes.
const MAIL_BYTES_MAX: u64 = 35 * 1024 * 1024;

/// How the house is set up.
pub struct Plan {
    /// The key of the address itself.
    pub house: Person,
    /// The team; members without a key are written to in clear, where `clear` allows it.
    pub team: Vec<Person>,
    /// Certificates known beforehand, pinned to their addresses.
    pub pinned: Vec<Person>,
    /// Who may be written to in clear.
    pub clear: Vec<Audience>,
    /// Lists that advisories go to.
    pub lists: Vec<ExternalList>,
    /// When the story begins.
    pub start: Timestamp,
    /// Where randomness begins.
    pub seed: u64,
}

/// A mail that left the house.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Envelope recipient.
    pub to: Address,
    /// The whole mail, with the envelope in its first two lines.
    pub raw: Vec<u8>,
    /// The file it lies in.
    pub file: PathBuf,
}

/// A house at work.
pub struct Rehearsal {
    dir: PathBuf,
    engine: Engine,
    clock: ManualClock,
    entropy: SeededEntropy,
    folders: Folders,
    seen: Vec<PathBuf>,
    delivered: u64,
}

impl Rehearsal {
    /// Sets a house up in a folder, which must exist.
    ///
    /// # Errors
    /// The folder cannot be written, or a key is missing.
    pub fn set_up(dir: &Path, plan: &Plan) -> Result<Self, Failure> {
        Self::set_up_as(dir, plan, setup(plan)?)
    }

    /// Sets a house up whose engine differs from what [`setup`] makes of the plan.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn set_up_as(dir: &Path, plan: &Plan, setup: Setup) -> Result<Self, Failure> {
        let site = dir.join("site");
        for folder in ["inbox/new", "inbox/cur", "inbox/tmp", "state", "site"] {
            let path = dir.join(folder);
            std::fs::create_dir_all(&path)
                .map_err(|error| Failure::new(CANNOT_CREATE, format!("failed to make {}: {error}", path.display())))?;
        }
        let folders = Folders::around(MaildirInbox::new(dir.join("inbox"), dir.join("archive"), MAIL_BYTES_MAX));
        let ports = Ports {
            inbox: Box::new(folders.clone()),
            relays: vec![Box::new(OutboxFolder::open(dir.join("outbox"))?)],
            site: Some(Box::new(SiteFolder::open(site)?)),
            entropy: Box::new(SeededEntropy::new(plan.seed)),
            disk: Box::new(FreeSpace::of(dir.to_path_buf())),
        };
        let store =
            Store::open(&dir.join("state/postern.db"), b"a rehearsal keeps no secrets from anybody", "rehearsal")?;
        let engine = Engine::new(setup, ports, store, plan.start)?;
        let clock = ManualClock::new(plan.start);
        let entropy = SeededEntropy::new(plan.seed.wrapping_add(1));
        Ok(Self { dir: dir.to_path_buf(), engine, clock, entropy, folders, seen: Vec::new(), delivered: 0 })
    }

    /// The present instant of the story.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The engine, to look at.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Randomness for the people of the story.
    pub fn draw(&mut self) -> crate::domain::id::Seed {
        self.entropy.seed()
    }

    /// Puts a mail into the inbox and lets the house work until it rests. Gives what left it.
    ///
    /// # Errors
    /// The engine, or the folder.
    pub fn receive(&mut self, raw: &[u8]) -> Result<Vec<Sent>, Failure> {
        self.delivered += 1;
        let name = format!("{:05}.mail", self.delivered);
        deliver(&self.dir.join("inbox"), &name, raw)
            .map_err(|error| Failure::new(CANNOT_CREATE, format!("failed to deliver into the inbox: {error}")))?;
        self.engine.nudge();
        self.rest()
    }

    /// Hands mails over in one batch, each in a folder of the mail host, as IMAP does; then the house works until it rests.
    /// Gives what left it.
    ///
    /// # Errors
    /// As [`Rehearsal::receive`].
    pub fn fetch(&mut self, mails: &[(Folder, &[u8])]) -> Result<Vec<Sent>, Failure> {
        self.folders.put(mails, self.clock.now());
        self.rest()
    }

    /// Lets time pass, a day at a time at most, so that clocks fire when they are due. Gives what left the house.
    ///
    /// # Errors
    /// As [`Rehearsal::receive`].
    pub fn pass(&mut self, time: Duration) -> Result<Vec<Sent>, Failure> {
        let mut sent = Vec::new();
        let mut left = time;
        while left > Duration::ZERO {
            let part = left.min(DAY);
            self.clock.advance(part);
            left -= part;
            sent.extend(self.rest()?);
        }
        Ok(sent)
    }

    /// Works until nothing is left to do now.
    ///
    /// # Errors
    /// As [`Rehearsal::receive`].
    pub fn rest(&mut self) -> Result<Vec<Sent>, Failure> {
        for _ in 0..STEPS_MAX {
            let progress = self.engine.step(self.clock.now())?;
            if !progress.worked && progress.in_flight == 0 {
                return self.collect();
            }
        }
        Err(Failure::new(SOFTWARE, "the house does not come to rest"))
    }

    fn collect(&mut self) -> Result<Vec<Sent>, Failure> {
        let folder = self.dir.join("outbox/new");
        let failed = |error| Failure::new(CANNOT_CREATE, format!("failed to read {}: {error}", folder.display()));
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            files.push(entry.map_err(failed)?.path());
        }
        files.retain(|file| !self.seen.contains(file));
        files.sort();
        let mut sent = Vec::new();
        for file in files {
            let raw = std::fs::read(&file).map_err(failed)?;
            self.seen.push(file.clone());
            if let Some(to) = people::envelope_recipient(&raw) {
                sent.push(Sent { to, raw, file });
            }
        }
        Ok(sent)
    }
}

/// What the engine of a rehearsal is set up with.
///
/// # Errors
/// A key is missing or cannot be used.
pub fn setup(plan: &Plan) -> Result<Setup, Failure> {
    let keyring = keyring(plan)?;
    Ok(Setup {
        rules: rules(plan, &keyring)?,
        keyring,
        authserv_ids: vec![MAIL_HOST.to_owned()],
        dkim: None,
        intake: Vec::new(),
        limits: Limits::default(),
        adopt: Some(Adopt::Ack),
        return_path: ReturnPath::Keyed,
        attempts_max: 3,
        free_bytes_min: 0,
    })
}

fn keyring(plan: &Plan) -> Result<Keyring, Failure> {
    let failed = |error| Failure::new(SOFTWARE, format!("keys: {error}"));
    let secret = plan.house.secret().ok_or_else(|| Failure::new(SOFTWARE, "the house has no key"))?;
    let known: Vec<&[u8]> = plan.team.iter().chain(&plan.pinned).filter_map(Person::certificate).collect();
    Keyring::from_armored(&[secret], &known, plan.start).map_err(failed)
}

fn rules(plan: &Plan, keyring: &Keyring) -> Result<Rules, Failure> {
    let (policy, policy_digest) = assemble::policy(None)?;
    debug_assert!(!DEFAULT_POLICY.is_empty(), "a rehearsal runs under the default policy");
    let pin =
        |person: &Person| -> Option<(String, Fingerprint)> { Some((person.address.key(), person.fingerprint()?)) };
    Ok(Rules {
        instance: "rehearsal".to_owned(),
        publisher: Publisher {
            project: plan.house.name.clone(),
            contact: plan.house.address.to_string(),
            base_url: "https://example.org/security".to_owned(),
            fingerprint: keyring.own_fingerprint().to_string(),
        },
        address: plan.house.address.clone(),
        case_prefix: "EX".to_owned(),
        key: InstanceKey::from_secret(&plan.seed.to_be_bytes()),
        team: plan
            .team
            .iter()
            .map(|person| {
                Member::new(person.name.clone(), person.address.clone(), TeamRole::Member, person.fingerprint())
            })
            .collect(),
        clear: plan.clear.iter().copied().collect(),
        pins: plan.pinned.iter().filter_map(pin).collect(),
        require_signature: false,
        plus_addresses: true,
        message_id_rewritten: false,
        lists: plan.lists.clone(),
        policy,
        policy_digest,
        templates: assemble::templates(None)?,
        render: render::rendition,
        acks_per_address_per_day: 3,
        acks_per_hour: 60,
    })
}

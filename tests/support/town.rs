//! A mail host and the house behind its security@ address: real Dovecot, real Postfix, one installation of postern.
//!
//! Postfix delivers the address, with and without `+detail`, into Dovecot's Maildir, and everybody else's mail into a
//! Maildir of its own. Everything ends with the value.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test without its servers fails")]

use std::path::{Path, PathBuf};

use crate::daemon::Install;
use crate::dovecot::Dovecot;
use crate::gnupg::{Gnupg, Kind};
use crate::people::Person;
use crate::postfix::{Options, Postfix};

pub const HOUSE: &str = "security@example.test";
/// Where Dovecot keeps stored mail.
pub const ARCHIVE: &str = "postern";

/// The servers and the installation.
pub struct Town {
    pub dovecot: Dovecot,
    pub postfix: Postfix,
    pub house: Install,
    /// Fingerprint of the house's key.
    pub key: String,
    _boxes: tempfile::TempDir,
}

/// How the house reaches Postfix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Starttls,
    Tls,
}

/// What a town is made of.
pub struct Plan<'a> {
    /// Addresses that have a mailbox beside the house's.
    pub mailboxes: &'a [&'static str],
    /// Domains that the mail host vouches for.
    pub vouched: &'a [&'a str],
    /// Addresses whose mail the mail host takes and returns.
    pub bounced: &'a [&'a str],
    pub way: Way,
    /// The clock of the house at the beginning; `None` is the machine's.
    pub start: Option<i64>,
}

impl Town {
    /// Servers, mailboxes and a house with a key of its own. The settings are still to be written.
    pub fn build(plan: &Plan<'_>) -> (Self, PathBuf) {
        let dovecot = Dovecot::start();
        let boxes = tempfile::Builder::new().prefix("boxes").tempdir().unwrap();
        let maildir = dovecot.maildir();
        let folders: Vec<(&str, PathBuf)> =
            plan.mailboxes.iter().map(|address| (*address, boxes.path().join(address))).collect();
        let mut mailboxes: Vec<(&str, &Path)> =
            folders.iter().map(|(address, folder)| (*address, folder.as_path())).collect();
        mailboxes.push((HOUSE, &maildir));
        let results: Vec<(&str, String)> = plan
            .vouched
            .iter()
            .map(|domain| {
                (*domain, format!("Authentication-Results: mx.example.test; dmarc=pass header.from={domain}"))
            })
            .collect();
        let prepend: Vec<(&str, &str)> = results.iter().map(|(domain, line)| (*domain, line.as_str())).collect();
        let postfix = Postfix::start_with(&Options {
            mailboxes: &mailboxes,
            prepend: &prepend,
            bounced: plan.bounced,
            ..Options::default()
        });
        let house = Install::new();
        let owner = Gnupg::new();
        if let Some(start) = plan.start {
            house.set_clock(start);
        }
        // Before anything that is told.
        owner.set_clock(house.now() - 7 * 86_400);
        let key = owner.generate("Example Security", HOUSE, Kind::Curve25519, "never");
        house.write("house.key", &owner.export_secret(&key));
        house.write("house.asc", &owner.export(&key));
        house.write("imap.password", dovecot.password.as_bytes());
        let town = Self { dovecot, postfix, house, key, _boxes: boxes };
        let folder = town._boxes.path().to_path_buf();
        town.configure("", plan.way);
        (town, folder)
    }

    /// Writes the settings: the servers, and what a test adds to them.
    pub fn configure(&self, more: &str, way: Way) {
        let (port, security) = match way {
            Way::Starttls => (self.postfix.port, "starttls"),
            Way::Tls => (self.postfix.tls_port, "tls"),
        };
        let (imap, user) = (self.dovecot.imaps_port, &self.dovecot.user);
        let (imap_ca, smtp_ca) = (self.dovecot.ca_file.display(), self.postfix.ca_file());
        let smtp_ca = smtp_ca.display();
        self.house.configure(&format!(
            "[instance]\nname = \"story\"\nproject = \"Example\"\naddress = \"{HOUSE}\"\ncase_prefix = \"EX\"\n\
             state_dir = \"state\"\nkey = \"instance.key\"\n\
             [store]\nkey = \"database.key\"\n\
             [inbox]\nkind = \"imap\"\nhost = \"localhost\"\nport = {imap}\nuser = \"{user}\"\npassword = \"imap.password\"\n\
             ca_file = \"{imap_ca}\"\n\
             [[relay]]\nkind = \"smtp\"\nhost = \"localhost\"\nport = {port}\nsecurity = \"{security}\"\nca_file = \"{smtp_ca}\"\n\
             [publish]\nsite = \"site\"\nbase_url = \"https://example.test/security\"\n\
             [[publish.list]]\nname = \"announce\"\naddress = \"announce@lists.test\"\nprefix = \"[SECURITY]\"\n\
             [keys]\nsecret = [\"house.key\"]\ncertificates = \"certificates\"\n\
             [daemon]\nfree_bytes_min = 0\n[log]\nlevel = \"trace\"\n\
             {more}"
        ));
    }

    /// The house's certificate.
    pub fn certificate(&self) -> Vec<u8> {
        std::fs::read(self.house.path("house.asc")).expect("a certificate")
    }

    /// Makes people and house known to each other: certificates are exchanged by hand, as at a meeting.
    pub fn introduce(&self, people: &[&Person]) {
        for person in people {
            person.gpg.import(&self.certificate());
            if person.key.is_some() {
                self.house.write(&format!("certificates/{}.asc", person.name), &person.certificate());
            }
        }
    }
}

/// The settings of a member.
pub fn member(person: &Person) -> String {
    let key = person.key.as_ref().map_or_else(String::new, |key| format!("fingerprint = \"{key}\"\n"));
    format!("[[member]]\nname = \"{}\"\naddress = \"{}\"\n{key}", person.name, person.address)
}

/// The pins of known outsiders.
pub fn pins(people: &[&Person]) -> String {
    let pins =
        people.iter().filter_map(|person| Some(format!("\"{}\" = \"{}\"\n", person.address, person.key.as_ref()?)));
    format!("[keys.pins]\n{}", pins.collect::<String>())
}

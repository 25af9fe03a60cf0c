//! The settings file as written: every field may be missing, and nothing means anything yet.
//!
//! Mirrors `schema`, which has refused wrong types and unknown keys before this is filled in; a
//! test keeps the two alike. Never checks a value.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The whole file.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "one field for each section of the schema, which says what it means")]
pub struct Raw {
    pub instance: Instance,
    pub store: Store,
    pub inbox: Inbox,
    pub relay: Vec<Relay>,
    pub keys: Keys,
    pub member: Vec<Member>,
    pub privacy: Privacy,
    pub commands: Commands,
    pub addressing: Addressing,
    pub authentication: Authentication,
    pub policy: Policy,
    pub templates: Templates,
    pub publish: Publish,
    pub intake: Vec<Intake>,
    pub limits: Limits,
    pub log: Log,
    pub daemon: Daemon,
}

macro_rules! sections {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),+ $(,)? })+) => {
        $(
            $(#[$doc])*
            #[derive(Default, Deserialize)]
            #[serde(default, deny_unknown_fields)]
            #[expect(missing_docs, reason = "one field for each key of the schema, which says what it means")]
            pub struct $name {
                $(pub $field: Option<$type>),+
            }
        )+
    };
}

sections! {
    /// `[instance]`
    Instance {
        name: String, project: String, address: String, case_prefix: String, language: String, state_dir: String,
        key: String,
    }
    /// `[store]`
    Store { path: String, key: String }
    /// `[inbox]`
    Inbox {
        kind: String, host: String, port: u16, security: String, user: String, password: String,
        password_command: Vec<String>, token_command: Vec<String>, auth: String, ca_file: String, mailbox: String,
        path: String, archive: String, junk: String, sent: String, settle: String, poll_seconds: u64,
    }
    /// `[[relay]]`
    Relay {
        kind: String, host: String, port: u16, security: String, user: String, password: String,
        password_command: Vec<String>, token_command: Vec<String>, ca_file: String, connections: u32,
        daily_budget: u32, path: String,
    }
    /// `[keys]`
    Keys {
        secret: Vec<String>, passphrase: String, certificates: String, pins: BTreeMap<String, String>,
    }
    /// `[[member]]`
    Member { name: String, address: String, role: String, fingerprint: String }
    /// `[privacy]`
    Privacy { clear: Vec<String> }
    /// `[commands]`
    Commands { require_signature: bool, second_member: bool }
    /// `[addressing]`
    Addressing { plus: bool, bounce_address: String, message_id: String }
    /// `[authentication]`
    Authentication { authserv_ids: Vec<String>, verify_dkim: bool }
    /// `[policy]`
    Policy { file: String }
    /// `[templates]`
    Templates { folder: String }
    /// `[publish]`
    Publish { site: String, base_url: String, list: Vec<PublishList> }
    /// `[[publish.list]]`
    PublishList { name: String, address: String, prefix: String }
    /// `[[intake]]`
    Intake { kind: String, list_id: String, address: String }
    /// `[limits]`
    Limits { message_bytes: u64, acks_per_address_per_day: u32, acks_per_hour: u32, attempts: u32 }
    /// `[log]`
    Log { format: String, level: String }
    /// `[daemon]`
    Daemon { socket: String, free_bytes_min: u64 }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Raw;
    use crate::settings::schema::schema;

    /// What serde says it knows of, from its own complaint about a key that it does not know.
    fn fields(document: &str) -> BTreeSet<String> {
        let error = toml::from_str::<Raw>(document).err().expect("must complain").message().to_owned();
        let (_, known) = error.split_once("expected").unwrap();
        known.split('`').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn the_file_as_written_has_the_fields_of_the_schema_and_no_other() {
        for section in schema() {
            let (open, close) = if section.list { ("[[", "]]") } else { ("[", "]") };
            let header = if section.path.is_empty() { String::new() } else { format!("{open}{}{close}", section.path) };
            let listed = section.keys.iter().map(|key| key.name).chain(section.subsections()).map(str::to_owned);
            assert_eq!(fields(&format!("{header}\nno_such_key = 1\n")), listed.collect(), "{header}");
        }
    }
}

//! The plan as a settings file. Never checks a value: the file is loaded afterwards, and the loading says what is wrong.

use toml::Value;

use super::{Login, Outlet, Plan, Server, Source};
use crate::domain::id::{Address, Fingerprint};
use crate::settings::Draft;
use crate::settings::choice::Security;

/// The file with the password of the inbox.
pub(super) const IMAP_PASSWORD: &str = "imap.password";
/// The file with the password of the relay.
pub(super) const SMTP_PASSWORD: &str = "smtp.password";

/// The settings of a plan, these certificates pinned.
pub(super) fn settings(plan: &Plan, pinned: &[(Address, Fingerprint)]) -> Draft {
    let mut draft = Draft::default();
    draft.begin("instance");
    draft.set("name", plan.name.as_str());
    draft.set("project", plan.project.as_str());
    draft.set("address", plan.address.as_str());
    draft.set("case_prefix", plan.case_prefix.as_str());
    draft.set("state_dir", plan.state_dir.display().to_string());
    draft.set("key", credential("instance.key"));
    draft.begin("store");
    draft.set("key", credential("database.key"));
    inbox(&mut draft, plan);
    relay(&mut draft, plan);
    keys(&mut draft, plan, pinned);
    members(&mut draft, plan, pinned);
    draft.begin("privacy");
    draft.set("clear", plan.clear.iter().map(|audience| Value::from(audience.as_str())).collect::<Vec<_>>());
    if !plan.authserv_ids.is_empty() {
        draft.begin("authentication");
        draft.set("authserv_ids", plan.authserv_ids.iter().map(|id| Value::from(id.as_str())).collect::<Vec<_>>());
    }
    if let Some((folder, base_url)) = &plan.site {
        draft.begin("publish");
        draft.set("site", folder.display().to_string());
        draft.set("base_url", base_url.trim_end_matches('/'));
    }
    if let Some(list) = &plan.list {
        draft.begin("publish.list");
        draft.set("name", short_name(list.local()));
        draft.set("address", list.as_str());
    }
    draft
}

fn inbox(draft: &mut Draft, plan: &Plan) {
    draft.begin("inbox");
    match &plan.inbox {
        Source::Imap(imap) => {
            draft.set("kind", "imap");
            server(draft, plan, imap, IMAP_PASSWORD);
            draft.set("settle", plan.settle.as_str());
        }
        Source::Maildir(path) => {
            draft.set("kind", "maildir");
            draft.set("path", path.display().to_string());
        }
    }
}

fn relay(draft: &mut Draft, plan: &Plan) {
    draft.begin("relay");
    match &plan.relay {
        Outlet::Smtp(smtp) => {
            draft.set("kind", "smtp");
            server(draft, plan, smtp, SMTP_PASSWORD);
        }
        Outlet::Folder(path) => {
            draft.set("kind", "folder");
            draft.set("path", path.display().to_string());
        }
    }
}

fn server(draft: &mut Draft, plan: &Plan, server: &Server, password: &str) {
    draft.set("host", server.host.as_str());
    if let Some(port) = server.port {
        draft.set("port", i64::from(port));
    }
    draft.set("security", server.security.as_str());
    if let Some(user) = &server.user {
        draft.set("user", user.as_str());
    }
    match &server.login {
        Login::Nothing => {}
        Login::Password(_) | Login::PasswordFile(_) => draft.set("password", credential(password)),
        Login::PasswordCommand(line) => draft.set_words("password_command", line),
        Login::TokenCommand(line) => draft.set_words("token_command", line),
    }
    if let (Some(file), true) = (&plan.ca_file, server.security != Security::Plain) {
        draft.set("ca_file", file.display().to_string());
    }
}

fn keys(draft: &mut Draft, plan: &Plan, pinned: &[(Address, Fingerprint)]) {
    draft.begin("keys");
    draft.set("secret", vec![credential("team.key")]);
    draft.set("passphrase", credential("team.passphrase"));
    draft.set("certificates", "certificates");
    let outsider = |address: &Address| !plan.members.iter().any(|member| member.address.same_mailbox(address));
    let pins = pinned.iter().filter(|(address, _)| outsider(address));
    draft.set("pins", pins.map(|(at, print)| (at.to_string(), Value::from(print.as_str()))).collect::<toml::Table>());
}

fn members(draft: &mut Draft, plan: &Plan, pinned: &[(Address, Fingerprint)]) {
    for (position, member) in plan.members.iter().enumerate() {
        draft.begin("member");
        draft.set("name", member.name.as_str());
        draft.set("address", member.address.as_str());
        draft.set("role", if position == 0 { "lead" } else { "member" });
        let own = pinned.iter().find(|(address, _)| address.same_mailbox(&member.address)).map(|(_, print)| print);
        if let Some(print) = member.fingerprint.as_ref().or(own) {
            draft.set("fingerprint", print.as_str());
        }
    }
}

fn credential(name: &str) -> Value {
    Value::from(format!("credential:{name}"))
}

/// A name of lower-case letters, digits and hyphens.
fn short_name(text: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let name: String = text.chars().map(plain).take(32).collect();
    let name = name.trim_matches('-');
    if name.is_empty() { "list".to_owned() } else { name.to_owned() }
}

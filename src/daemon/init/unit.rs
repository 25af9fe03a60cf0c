//! The unit for systemd, made from the one that is shipped: its paths and secrets are those of the plan.
//!
//! Never installs it. A state folder outside of `/var/lib` has no unit: a service whose user exists only while it runs
//! owns no other.

use std::path::Path;

use super::{Login, Outlet, Plan, Server, Source};

const SHIPPED: &str = include_str!("../../../systemd/postern.service");
const SHIPPED_CONFIG: &str = "/etc/postern/postern.toml";
const SECRET: &str = "LoadCredential=";

/// The unit of a plan.
pub(super) fn text(plan: &Plan) -> Option<String> {
    let state = plan.state_dir.strip_prefix("/var/lib").ok().filter(|rest| rest.components().count() == 1)?;
    let folder = plan.config.parent()?;
    let mut secrets = vec!["instance.key", "database.key", "team.key", "team.passphrase"];
    secrets.extend(has_password(plan.inbox.server()).then_some(super::draft::IMAP_PASSWORD));
    secrets.extend(has_password(plan.relay.server()).then_some(super::draft::SMTP_PASSWORD));
    let mut secrets = Some(secrets);
    let mut text = String::new();
    for line in SHIPPED.lines() {
        if line.starts_with(SECRET) {
            for name in secrets.take().unwrap_or_default() {
                text.push_str(&format!("{SECRET}{name}:{}\n", folder.join(name).display()));
            }
            continue;
        }
        let line = match line.strip_prefix("StateDirectory=") {
            Some(_) => format!("StateDirectory={}", state.display()),
            None => line.replace(SHIPPED_CONFIG, &plan.config.display().to_string()),
        };
        text.push_str(&line);
        text.push('\n');
        if line.starts_with("#ReadWritePaths=") {
            for path in writable(plan) {
                text.push_str(&format!("ReadWritePaths={}\n", path.display()));
            }
        }
    }
    Some(text)
}

fn has_password(server: Option<&Server>) -> bool {
    server.is_some_and(|server| match server.login {
        Login::Password(_) | Login::PasswordFile(_) => true,
        Login::Nothing | Login::PasswordCommand(_) | Login::TokenCommand(_) => false,
    })
}

fn writable(plan: &Plan) -> Vec<&Path> {
    let mut paths = Vec::new();
    if let Source::Maildir(path) = &plan.inbox {
        paths.push(path.as_path());
    }
    if let Outlet::Folder(path) = &plan.relay {
        paths.push(path.as_path());
    }
    paths.extend(plan.site.as_ref().map(|(path, _)| path.as_path()));
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Address;
    use crate::settings::choice::{Security, Settle};

    fn plan(state_dir: &str) -> Plan {
        let login = Login::PasswordFile("x".into());
        let imap = Server { host: "imap".into(), port: None, security: Security::Tls, user: Some("u".into()), login };
        Plan {
            config: "/srv/house/postern.toml".into(),
            state_dir: state_dir.into(),
            address: Address::parse("security@example.org").unwrap(),
            project: "Example".into(),
            name: "example".into(),
            case_prefix: "EX".into(),
            inbox: Source::Imap(imap),
            relay: Outlet::Folder("/srv/out".into()),
            ca_file: None,
            members: Vec::new(),
            certificates: Vec::new(),
            clear: Vec::new(),
            site: None,
            settle: Settle::Move,
            list: None,
            authserv_ids: Vec::new(),
        }
    }

    #[test]
    fn the_unit_names_the_files_that_there_are_and_no_others() {
        let unit = text(&plan("/var/lib/house")).unwrap();
        assert!(unit.contains("\nExecStart=/usr/local/bin/postern run --config /srv/house/postern.toml\n"), "{unit}");
        assert!(unit.contains("\nStateDirectory=house\n") && unit.contains("\nReadWritePaths=/srv/out\n"), "{unit}");
        let secrets: Vec<_> = unit.lines().filter_map(|line| line.strip_prefix(SECRET)).collect();
        let names = ["instance.key", "database.key", "team.key", "team.passphrase", "imap.password"];
        assert_eq!(secrets, names.map(|name| format!("{name}:/srv/house/{name}")));
    }

    #[test]
    fn a_state_folder_elsewhere_has_no_unit() {
        assert_eq!(text(&plan("/srv/state")), None);
        assert_eq!(text(&plan("/var/lib")), None);
    }
}

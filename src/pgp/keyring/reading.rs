//! A keyring for looking at mail, made of whatever keys are at hand.
//!
//! Unlike the instance's own it need not be able to sign, be encrypted to, or have a secret key at all. Never used by
//! the daemon. Never fails: a file that holds no key, or one that no passphrase opens, is told and left out.

use super::{Cert, Fingerprint, Keyring, Password, Zeroizing, name_of, parse_certs, unlock};

/// Passphrases that are tried on each locked key.
pub const PASSPHRASES_MAX: usize = 100;

/// The primary fingerprint where there is no key of ours.
const NOBODY: &str = "0000000000000000000000000000000000000000";

/// Names and bytes of key files, and the passphrases that may open them.
#[derive(Default)]
pub struct Found {
    /// Name and content of each file, armored or binary, public or secret.
    pub files: Vec<(String, Zeroizing<Vec<u8>>)>,
    /// At most [`PASSPHRASES_MAX`] are tried.
    pub passphrases: Vec<Zeroizing<String>>,
}

/// The keyring, and what could not be used.
pub struct Gathered {
    /// Every key that was found.
    pub keyring: Keyring,
    /// Names of files that hold no key.
    pub no_keys: Vec<String>,
    /// Names of files with a secret key that no passphrase opens; its public half counts all the same.
    pub locked: Vec<String>,
}

/// Makes a keyring of all keys in the files.
#[must_use]
pub fn gather(found: &Found) -> Option<Gathered> {
    let passwords: Vec<Password> =
        found.passphrases.iter().take(PASSPHRASES_MAX).map(|text| Password::from(text.as_bytes())).collect();
    let (mut own, mut known) = (Vec::new(), Vec::new());
    let (mut no_keys, mut locked) = (Vec::new(), Vec::new());
    for (name, bytes) in &found.files {
        let Ok(certs) = parse_certs(bytes, name) else {
            no_keys.push(name.clone());
            continue;
        };
        for cert in certs {
            if cert.is_tsk() {
                match opened(&cert, &passwords, name) {
                    Some(cert) => own.push(cert),
                    None => locked.push(name.clone()),
                }
            }
            known.push(cert);
        }
    }
    let first =
        own.first().and_then(|cert: &Cert| name_of(&cert.fingerprint())).or_else(|| Fingerprint::parse(NOBODY))?;
    let mut keyring = Keyring::of_own(own, first);
    keyring.learn(known);
    Some(Gathered { keyring, no_keys, locked })
}

/// The key with its secrets unlocked, by none or by the first passphrase that fits all of them.
fn opened(cert: &Cert, passwords: &[Password], name: &str) -> Option<Cert> {
    let tries = std::iter::once(None).chain(passwords.iter().map(Some));
    tries.map(|password| unlock(cert.clone(), password, name)).find_map(Result::ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::id::Address;
    use crate::domain::time::Timestamp;
    use crate::pgp::keyring::generate;
    use crate::pgp::open::decrypt;
    use crate::pgp::seal::{Signing, encrypt};

    #[test]
    fn public_and_secret_keys_are_gathered_and_other_files_told() {
        let at = Timestamp(1_790_000_000);
        let key = |name: &str| generate(name, &Address::parse(&format!("{name}@example.org")).unwrap(), at).unwrap();
        let (ana, bo) = (key("ana"), key("bo"));
        let files = vec![
            ("ana.sec".to_owned(), ana.secret_armored.clone()),
            ("bo.pub".to_owned(), Zeroizing::new(bo.public_armored.clone())),
            ("README".to_owned(), Zeroizing::new(b"hello".to_vec())),
        ];
        let gathered = gather(&Found { files, passphrases: Vec::new() }).unwrap();
        assert!(gathered.keyring.knows(&ana.fingerprint) && gathered.keyring.knows(&bo.fingerprint));
        assert_eq!(gathered.no_keys, ["README"]);
        assert!(gathered.locked.is_empty());
        let sealed = encrypt(b"hi", &[ana.fingerprint], Signing::Signed, &gathered.keyring, at).unwrap();
        assert_eq!(decrypt(&sealed, &gathered.keyring, at).unwrap().plaintext, b"hi");
    }

    #[test]
    fn no_key_at_all_is_a_keyring_that_knows_nobody() {
        let gathered = gather(&Found::default()).unwrap();
        assert_eq!(gathered.keyring.certs().count(), 0);
    }
}

//! The two ways to log in with an OAuth 2 access token: XOAUTH2, and OAUTHBEARER (RFC 7628).
//!
//! Bytes only, no IO. The first message is given in base64, as IMAP and SMTP send it. On a failure the server sends a
//! challenge with the reason, which the client must answer before it hears the refusal itself. The reason is never
//! looked at.

use zeroize::Zeroizing;

/// How a token is shown to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenMechanism {
    /// The large hosts' own.
    Xoauth2,
    /// RFC 7628.
    OauthBearer,
}

impl TokenMechanism {
    /// Its name on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Xoauth2 => "XOAUTH2",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }

    /// The one to use, of those that the server offers; XOAUTH2 where it has both, since it is older and tried more.
    pub(super) fn offered(is_offered: impl Fn(&str) -> bool) -> Option<Self> {
        [Self::Xoauth2, Self::OauthBearer].into_iter().find(|mechanism| is_offered(mechanism.name()))
    }

    /// The first message, before base64.
    pub(super) fn message(self, user: &str, token: &str, host: &str, port: u16) -> Zeroizing<String> {
        Zeroizing::new(match self {
            Self::Xoauth2 => format!("user={user}\x01auth=Bearer {token}\x01\x01"),
            Self::OauthBearer => {
                // RFC 5801: a comma or an equals sign in the name is written as a code.
                let user = user.replace('=', "=3D").replace(',', "=2C");
                format!("n,a={user},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01")
            }
        })
    }

    /// What ends the exchange after the server has said why it refuses: an empty line, or the dummy of RFC 7628
    /// section 3.2.3.
    pub(super) fn farewell(self) -> &'static [u8] {
        match self {
            Self::Xoauth2 => b"",
            Self::OauthBearer => b"\x01",
        }
    }
}

/// Base64 with padding (RFC 4648 section 4).
pub(super) fn base64(bytes: &[u8]) -> Zeroizing<String> {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Zeroizing::new(String::with_capacity(bytes.len().div_ceil(3) * 4));
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0u32, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let six = usize::try_from(group >> (18 - 6 * place) & 63).unwrap_or_default();
            let letter = LETTERS.get(six).copied().unwrap_or(b'=');
            out.push(if place > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_as_in_the_rfc() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")]
        {
            assert_eq!(*base64(plain.as_bytes()), coded);
        }
        assert_eq!(*base64(b"\xff\xfe\xfd"), "//79");
    }

    #[test]
    fn the_first_messages_have_the_form_that_servers_read() {
        let message =
            |mechanism: TokenMechanism| mechanism.message("a=b,c@example.org", "tok", "imap.example.org", 993);
        assert_eq!(*message(TokenMechanism::Xoauth2), "user=a=b,c@example.org\x01auth=Bearer tok\x01\x01");
        assert_eq!(
            *message(TokenMechanism::OauthBearer),
            "n,a=a=3Db=2Cc@example.org,\x01host=imap.example.org\x01port=993\x01auth=Bearer tok\x01\x01"
        );
    }

    #[test]
    fn the_mechanism_that_is_offered_is_taken() {
        assert_eq!(TokenMechanism::offered(|_| true), Some(TokenMechanism::Xoauth2));
        assert_eq!(TokenMechanism::offered(|name| name == "OAUTHBEARER"), Some(TokenMechanism::OauthBearer));
        assert_eq!(TokenMechanism::offered(|name| name == "PLAIN"), None);
    }
}

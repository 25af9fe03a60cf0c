//! Which mailbox is the spam, the sent mail, the archive: by the marks of RFC 6154, else by the usual names.
//!
//! Pure: works on a listing. Never chooses `\All`: on a host whose folders are labels everything is there already,
//! and nothing can be moved to it. Never chooses a mailbox that cannot be opened, or one that is used otherwise.
//! What is not found is `None`. Also modified UTF-7, in which IMAP4rev1 writes names (RFC 3501 section 5.1.3).

/// Mailboxes that are looked at.
const LISTED_MAX: usize = 10_000;

/// One mailbox as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mailbox {
    /// Its whole name, as the server writes it.
    pub(super) name: String,
    /// What stands between the levels of a name.
    pub(super) delimiter: Option<String>,
    /// It is marked as this.
    pub(super) role: Option<Role>,
    /// It can be opened.
    pub(super) selectable: bool,
}

/// What a mailbox is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Spam.
    Junk,
    /// Copies of what was sent.
    Sent,
    /// Mail that is done with.
    Archive,
    /// Something that is never looked for: everything there is, drafts, the bin.
    Other,
}

/// Usual names of the spam folder, the likelier first: servers, mail programs, and languages.
const JUNK_NAMES: &[&str] = &[
    "junk",
    "spam",
    "junk e-mail",
    "junk email",
    "junk mail",
    "junk-e-mail",
    "bulk mail",
    "bulk",
    "unerwünscht",
    "courrier indésirable",
    "indésirables",
    "pourriel",
    "correo no deseado",
    "correo basura",
    "posta indesiderata",
    "indesiderata",
    "lixo eletrônico",
    "lixo eletrónico",
    "lixo electrónico",
    "ongewenste e-mail",
    "ongewenst",
    "wiadomości-śmieci",
    "niechciane",
    "skräppost",
    "uønsket post",
    "uønsket mail",
    "søppelpost",
    "søppel-e-post",
    "roskaposti",
    "nevyžádaná pošta",
    "nevyžiadaná pošta",
    "levélszemét",
    "mesaje nedorite",
    "neželena pošta",
    "спам",
    "нежелательная почта",
    "небажана пошта",
    "нежелана поща",
    "önemsiz e-posta",
    "gereksiz",
    "ανεπιθύμητη αλληλογραφία",
    "ανεπιθύμητα",
    "דואר זבל",
    "البريد غير الهام",
    "迷惑メール",
    "垃圾邮件",
    "垃圾郵件",
    "스팸",
    "스팸메일함",
    "정크 메일",
    "thư rác",
];

/// Usual names of the folder of sent mail.
const SENT_NAMES: &[&str] = &[
    "sent",
    "sent items",
    "sent messages",
    "sent mail",
    "sent-mail",
    "gesendet",
    "gesendete elemente",
    "gesendete objekte",
    "gesendete nachrichten",
    "envoyés",
    "éléments envoyés",
    "messages envoyés",
    "objets envoyés",
    "enviados",
    "elementos enviados",
    "mensajes enviados",
    "itens enviados",
    "enviadas",
    "inviata",
    "inviati",
    "posta inviata",
    "verzonden",
    "verzonden items",
    "wysłane",
    "elementy wysłane",
    "skickat",
    "skickade",
    "sendt",
    "sendt post",
    "sendte elementer",
    "lähetetyt",
    "odeslaná pošta",
    "odeslané",
    "odoslaná pošta",
    "elküldött",
    "elküldött elemek",
    "trimise",
    "poslano",
    "отправленные",
    "надіслані",
    "изпратени",
    "gönderilmiş",
    "gönderilmiş öğeler",
    "gönderilenler",
    "απεσταλμένα",
    "דואר שנשלח",
    "البريد المرسل",
    "送信済み",
    "送信済みメール",
    "送信済みアイテム",
    "已发送",
    "已发送邮件",
    "寄件備份",
    "寄件备份",
    "보낸편지함",
    "보낸 편지함",
    "đã gửi",
];

/// Usual names of an archive.
const ARCHIVE_NAMES: &[&str] = &[
    "archive",
    "archives",
    "archiv",
    "archivo",
    "archivio",
    "arquivo",
    "arquivo morto",
    "archief",
    "archiwum",
    "arkiv",
    "arkisto",
    "arhiva",
    "arhiv",
    "archivum",
    "архив",
    "архів",
    "arşiv",
    "αρχείο",
    "アーカイブ",
    "归档",
    "封存",
    "보관",
];

/// Folders of a host under which its own stand.
const ROOFS: [&str; 3] = ["INBOX", "[Gmail]", "[Google Mail]"];

/// The mailbox for `role`, none of those in `taken`.
pub(super) fn find(role: Role, listed: &[Mailbox], taken: &[&str]) -> Option<String> {
    let usable = || {
        let free = |name: &str| !taken.iter().any(|other| other.eq_ignore_ascii_case(name));
        listed.iter().take(LISTED_MAX).filter(move |mailbox| mailbox.selectable && free(&mailbox.name))
    };
    if let Some(marked) = usable().find(|mailbox| mailbox.role == Some(role)) {
        return Some(marked.name.clone());
    }
    let names = match role {
        Role::Junk => JUNK_NAMES,
        Role::Sent => SENT_NAMES,
        Role::Archive => ARCHIVE_NAMES,
        Role::Other => return None,
    };
    // A mailbox that is marked for something else is not this, whatever its name.
    let unmarked = usable().filter(|mailbox| mailbox.role.is_none());
    let ranked = unmarked.filter_map(|mailbox| {
        let leaf = leaf(mailbox)?;
        let rank = names.iter().position(|name| *name == leaf)?;
        Some((rank, &mailbox.name))
    });
    ranked.min_by_key(|(rank, _)| *rank).map(|(_, name)| name.clone())
}

/// The name in lower case as people read it, where it stands at the top or under one of the roofs.
fn leaf(mailbox: &Mailbox) -> Option<String> {
    let mut name = mailbox.name.as_str();
    if let Some(delimiter) = mailbox.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty()) {
        if let Some((roof, below)) = name.split_once(delimiter)
            && ROOFS.iter().any(|known| known.eq_ignore_ascii_case(roof))
        {
            name = below;
        }
        if name.contains(delimiter) {
            return None;
        }
    }
    Some(decoded(name).to_lowercase())
}

/// What a new mailbox's name must begin with: `INBOX.` where the server keeps everything under the INBOX. Empty where
/// it does not, or where there is no other mailbox yet to tell by.
pub(super) fn prefix(listed: &[Mailbox]) -> String {
    let under = |mailbox: &Mailbox| {
        let delimiter = mailbox.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty())?;
        let (roof, _) = mailbox.name.split_once(delimiter)?;
        roof.eq_ignore_ascii_case("INBOX").then(|| format!("{roof}{delimiter}"))
    };
    let mut others = listed.iter().take(LISTED_MAX).filter(|mailbox| !mailbox.name.eq_ignore_ascii_case("INBOX"));
    let Some(first) = others.next().and_then(under) else { return String::new() };
    if others.all(|mailbox| under(mailbox).is_some()) { first } else { String::new() }
}

/// A name in modified UTF-7 as people read it; what is no such name stays as it is.
fn decoded(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let Some((coded, next)) = after.split_once('-') else { return name.to_owned() };
        if coded.is_empty() {
            out.push('&');
        } else {
            let Some(text) = decoded_run(coded) else { return name.to_owned() };
            out.push_str(&text);
        }
        rest = next;
    }
    out.push_str(rest);
    out
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

fn decoded_run(coded: &str) -> Option<String> {
    let (mut units, mut bits, mut held) = (Vec::new(), 0u32, 0u32);
    for letter in coded.bytes() {
        let six = u32::try_from(LETTERS.iter().position(|known| *known == letter)?).ok()?;
        bits = (bits << 6 | six) & 0x003F_FFFF;
        held += 6;
        if held >= 16 {
            held -= 16;
            units.push(u16::try_from(bits >> held & 0xFFFF).ok()?);
        }
    }
    String::from_utf16(&units).ok()
}

/// A name as it is written on the wire: modified UTF-7, unless it is ASCII and so may be in that form already.
pub(super) fn encoded(name: &str) -> String {
    if name.is_ascii() {
        return name.to_owned();
    }
    let mut out = String::with_capacity(name.len() + 8);
    let mut run = Vec::new();
    for letter in name.chars() {
        if letter.is_ascii() {
            flush(&mut run, &mut out);
            out.push(letter);
            if letter == '&' {
                out.push('-');
            }
        } else {
            run.extend_from_slice(letter.encode_utf16(&mut [0; 2]));
        }
    }
    flush(&mut run, &mut out);
    out
}

fn flush(run: &mut Vec<u16>, out: &mut String) {
    if run.is_empty() {
        return;
    }
    out.push('&');
    let (mut bits, mut held) = (0u32, 0u32);
    let mut put =
        |six: u32| out.push(LETTERS.get(usize::try_from(six & 63).unwrap_or(0)).map_or('A', |b| char::from(*b)));
    for unit in run.drain(..) {
        bits = (bits & 0x3F) << 16 | u32::from(unit);
        held += 16;
        while held >= 6 {
            held -= 6;
            put(bits >> held);
        }
    }
    if held > 0 {
        put(bits << (6 - held));
    }
    out.push('-');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mailbox(name: &str, delimiter: &str, role: Option<Role>) -> Mailbox {
        Mailbox { name: name.to_owned(), delimiter: Some(delimiter.to_owned()), role, selectable: true }
    }

    fn named(delimiter: &str, names: &[&str]) -> Vec<Mailbox> {
        names.iter().map(|name| mailbox(name, delimiter, None)).collect()
    }

    fn found(role: Role, listed: &[Mailbox]) -> Option<String> {
        find(role, listed, &["INBOX"])
    }

    #[test]
    fn a_mark_of_the_server_counts_before_any_name() {
        let mut listed = named("/", &["INBOX", "Junk", "Spam"]);
        listed.push(mailbox("Rubbish", "/", Some(Role::Junk)));
        assert_eq!(found(Role::Junk, &listed).as_deref(), Some("Rubbish"));
        if let Some(last) = listed.last_mut() {
            last.selectable = false;
        }
        assert_eq!(found(Role::Junk, &listed).as_deref(), Some("Junk"), "what cannot be opened is not chosen");
    }

    #[test]
    fn the_usual_names_are_known_under_the_roofs_of_hosts_and_nowhere_deeper() {
        for (delimiter, name) in [
            (".", "INBOX.Junk"),
            ("/", "Junk E-Mail"),
            ("/", "Bulk Mail"),
            ("/", "[Gmail]/Spam"),
            ("/", "[Google Mail]/Spam"),
            ("/", "Unerw&APw-nscht"),
            ("/", "&BCEEPwQwBDw-"),
            ("/", "&V4NXPpCuTvY-"),
            ("/", "Courrier ind&AOk-sirable"),
        ] {
            let listed = named(delimiter, &["INBOX", "Projects", name]);
            assert_eq!(found(Role::Junk, &listed).as_deref(), Some(name), "{name}");
        }
        assert_eq!(found(Role::Junk, &named("/", &["INBOX", "Projects/Spam", "Spammers"])), None);
        assert_eq!(found(Role::Sent, &named("/", &["INBOX", "Sent Items"])).as_deref(), Some("Sent Items"));
        assert_eq!(found(Role::Sent, &named(".", &["INBOX", "INBOX.Sent"])).as_deref(), Some("INBOX.Sent"));
        assert_eq!(found(Role::Sent, &named("/", &["&kAFP4W4IMH8-"])).as_deref(), Some("&kAFP4W4IMH8-"));
        assert_eq!(found(Role::Archive, &named("/", &["Archives", "Archive"])).as_deref(), Some("Archive"));
    }

    #[test]
    fn what_is_used_or_marked_otherwise_is_not_chosen() {
        let listed = [mailbox("Archive", "/", Some(Role::Other)), mailbox("Sent", "/", None)];
        assert_eq!(found(Role::Archive, &listed), None, "everything there is, is no archive");
        assert_eq!(find(Role::Sent, &listed, &["sent"]), None);
    }

    #[test]
    fn the_prefix_of_new_folders_is_told_by_where_the_others_stand() {
        assert_eq!(prefix(&named(".", &["INBOX", "INBOX.Sent", "INBOX.Drafts"])), "INBOX.");
        assert_eq!(prefix(&named(".", &["INBOX", "INBOX.Sent", "Shared"])), "");
        assert_eq!(prefix(&named("/", &["INBOX", "Sent"])), "");
        assert_eq!(prefix(&named(".", &["INBOX"])), "");
    }

    #[test]
    fn names_travel_in_modified_utf_7() {
        for (name, wire) in [
            ("Entwürfe", "Entw&APw-rfe"),
            ("送信済み", "&kAFP4W4IMH8-"),
            ("Спам", "&BCEEPwQwBDw-"),
            ("a & é 😀", "a &- &AOk- &2D3eAA-"),
        ] {
            assert_eq!(encoded(name), wire);
            assert_eq!(decoded(wire), name);
        }
        assert_eq!(encoded("Entw&APw-rfe"), "Entw&APw-rfe", "ASCII is taken as written");
        for odd in ["a&b", "&*-", "&2D0-"] {
            assert_eq!(decoded(odd), odd);
        }
    }
}

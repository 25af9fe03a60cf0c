//! A file taken apart into mails: one mail, or an mbox (RFC 4155). Never fails.

/// The mails of a file. A file whose first line is no `From ` line is one mail; an empty file has none.
///
/// In an mbox, lines `>From ` get their mark removed (the mboxrd rule); the bytes of a single mail stay as they are.
#[must_use]
pub fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    if bytes.is_empty() {
        return Vec::new();
    }
    if !bytes.starts_with(b"From ") {
        return vec![bytes.to_vec()];
    }
    let mut mails: Vec<Vec<u8>> = Vec::new();
    let mut after_blank = true;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if after_blank && line.starts_with(b"From ") {
            mails.push(Vec::new());
        } else if let Some(mail) = mails.last_mut() {
            mail.extend_from_slice(unquoted(line));
        }
        after_blank = line == b"\n" || line == b"\r\n";
    }
    mails.retain(|mail| !mail.is_empty());
    for mail in &mut mails {
        // The blank line before the next `From ` belongs to the mbox.
        if mail.ends_with(b"\n\n") {
            mail.pop();
        }
    }
    mails
}

fn unquoted(line: &[u8]) -> &[u8] {
    let marks = line.iter().take_while(|byte| **byte == b'>').count();
    match line.split_at_checked(marks) {
        Some((_, rest)) if marks > 0 && rest.starts_with(b"From ") => line.split_first().map_or(line, |(_, rest)| rest),
        Some(_) | None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_single_mail_keeps_every_byte() {
        let mail = b"Subject: x\r\n\r\n>From here\r\n\xff\r\n\r\n";
        assert_eq!(split(mail), [mail.to_vec()]);
        assert!(split(b"").is_empty());
    }

    #[test]
    fn an_mbox_gives_its_mails_without_the_separators() {
        let mbox = b"From a@b Thu\nSubject: 1\n\n>From me\nFrom inside a paragraph\n\nFrom c@d Fri\nSubject: 2\n\nx\n";
        let mails = split(mbox);
        assert_eq!(mails.len(), 2);
        assert_eq!(mails[0], b"Subject: 1\n\nFrom me\nFrom inside a paragraph\n");
        assert_eq!(mails[1], b"Subject: 2\n\nx\n");
    }
}

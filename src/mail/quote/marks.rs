//! How clients mark quotes and signatures: the patterns, by language.
//!
//! Looks at single lines, or at the few lines from one on; never at a whole text. A line longer than
//! [`LINE_BYTES_MAX`] matches nothing but a quote mark. Every pattern is linear (no backtracking); one
//! that would not compile matches nothing, and a test sees to it that all compile.

use std::sync::LazyLock;

use regex::Regex;

/// A line a client writes above a quote is far shorter.
const LINE_BYTES_MAX: usize = 500;
/// Lines over which an attribution may be wrapped, blank ones not counted.
const ATTRIBUTION_LINES_MAX: usize = 4;
/// Lines within which a quoted header block must be complete.
const HEADER_LINES_MAX: usize = 12;

type Pattern = LazyLock<Option<Regex>>;

fn compile(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

fn found(pattern: &Pattern, line: &str) -> bool {
    line.len() <= LINE_BYTES_MAX && pattern.as_ref().is_some_and(|pattern| pattern.is_match(line))
}

/// Words for "wrote".
static VERB: Pattern = LazyLock::new(|| {
    compile(
        r"(?i)\b(wrote|writes|schrieb|schreibt|schreef|skrev|skriver|escribió|escribio|escreveu|scritto|écrit|ecrit|napisał|napisal|pisze|napsal|píše|написал|пишет|написав|пише|kirjoitti|írta|yazdı|scris|έγραψε)|写道|寫道|写了|書きました|のメール|작성|썼습니다",
    )
});

/// How an attribution with a date begins.
static PREFIX: Pattern = LazyLock::new(|| {
    compile(
        r"(?i)^[\s*_]*(on|at|in|am|le|el|il|em|op|den|på|dne|dnia|w dniu|pe|în|tarihinde|kello|v|в|во|在|于|於)\b.*\d|^[\s*_]*(在|于|於)\s*\d|^\s*\d{1,4}[\s./年-]",
    )
});

/// A year or a date in figures. A time alone stands in reports too ("at 10:00 the server wrote:").
static DATE: Pattern = LazyLock::new(|| compile(r"\b(19|20)\d\d\b|\d[./-]\d{1,2}[./-]\d{2}|\d\s?[年년]"));

static TIME: Pattern = LazyLock::new(|| compile(r"\b\d{1,2}[:.]\d{2}\b"));

/// A date and an address, then a colon and no verb, as one large provider writes it in some languages.
static DATED_ADDRESS: Pattern = LazyLock::new(|| compile(r"^\s*\d{1,4}[\s./年-].*<\s*(mailto:)?\S+@\S+>\s*[:：]$"));

static DIVIDER: Pattern = LazyLock::new(|| {
    compile(
        r"(?ix)^[\s*_]*(?:
        -{2,}\s*(?:
            original\ (?:message|appointment|nachricht|melding) | reply\ message | forwarded\ message | ursprüngliche\ (?:nachricht|e-?mail) | originalnachricht | weitergeleitete\ nachricht
            | message\ (?:d['’]origine|original|transféré|initial) | courriel\ original | mensaje\ (?:original|reenviado) | messaggio\ (?:originale|inoltrato)
            | (?:oorspronkelijk|origineel|doorgestuurd)\ bericht | mensagem\ (?:original|encaminhada) | (?:oryginalna|przekazana|treść\ przekazanej)\ wiadomość | wiadomość\ (?:oryginalna|przekazana)
            | исходное\ сообщение | (?:пересылаемое|пересланное|перенаправленное)\ сообщение | ursprungligt\ meddelande | originalmeddelande | vidarebefordrat\ meddelande
            | (?:opprinnelig|original|videresendt)\ melding | (?:oprindelig|original|videresendt)\ (?:meddelelse|besked) | (?:původní|přeposlaná)\ zpráva
            | 元のメッセージ | 転送(?:されたメッセージ|メッセージ) | (?:原始|转发)(?:邮件|的?消息) | 原始郵件 | 轉寄郵件 | 원본\ 메시지
        )\s*-{2,}
        | (?:begin\ forwarded\ message | anfang\ der\ weitergeleiteten\ (?:nachricht|e-mail) | début\ du\ message\ (?:réexpédié|transféré) | inicio\ del\ mensaje\ reenviado
            | inizio\ (?:del\ )?messaggio\ inoltrato | begin\ doorgestuurd\ bericht | início\ da\ mensagem\ (?:encaminhada|reenviada) | начало\ переадресованного\ сообщения
            | vidarebefordrat\ brev | start\ på\ videresendt\ (?:melding|besked|e-mail) | początek\ przekazywanej\ wiadomości | začátek\ přeposílané\ zprávy | 以下は、?転送されたメッセージです | 下面是被?转发的邮件
        )\s*[:：]
        )[\s*_]*$",
    )
});

static FROM: Pattern = LazyLock::new(|| {
    compile(
        r"(?i)^[\s*_]*(from|von|de|da|van|från|fra|od|от|від|lähettäjä|kimden|feladó|expéditeur|差出人|发件人|發件人|寄件者|보낸 사람)[\s*_]*[:：]",
    )
});
static SENT: Pattern = LazyLock::new(|| {
    compile(
        r"(?i)^[\s*_]*(sent|date|gesendet|datum|envoyé|enviado|enviada|enviado el|fecha|data|inviato|verzonden|skickat|sendt|dato|odesláno|wysłano|data wysłania|отправлено|дата|надіслано|lähetetty|päivämäärä|送信日時|日時|日付|发送时间|發送時間|日期|寄件日期|보낸 날짜)[\s*_]*[:：]",
    )
});
static TO: Pattern = LazyLock::new(|| {
    compile(
        r"(?i)^[\s*_]*(to|an|à|a|para|aan|till|til|do|komu|кому|vastaanottaja|kime|címzett|宛先|收件人|收件者|받는 사람)[\s*_]*[:：]",
    )
});
static SUBJECT: Pattern = LazyLock::new(|| {
    compile(
        r"(?i)^[\s*_]*(subject|betreff|objet|asunto|assunto|oggetto|onderwerp|ämne|emne|předmět|temat|тема|aihe|konu|tárgy|件名|主题|主旨|主題|제목)[\s*_]*[:：]",
    )
});

/// Lines that phones and mail programs add.
static DEVICE: Pattern = LazyLock::new(|| {
    compile(
        r"(?ix)^[\s<(*_]*(?:
        (?:sent|someone|written)\ (?:from|via|with|by)\ [^.,!?]{0,40}?\b?(?:iphone|ipad|ipod|android|blackberry|phone|mobile|cell|tablet|galaxy|samsung|htc|windows|mail|outlook|mailbox|airmail|pixel|nokia|huawei|xiaomi|device|proton|spark|sparrow)\b.*
        | sent\ from\ my\ \S+(?:\ [^\s,.]+)?
        | from\ my\ (?:iphone|ipad|android|phone|mobile).{0,20}
        | get\ \[?outlook\ for\ .*
        | von\ meinem\ .{1,40}\ gesendet | gesendet\ (?:von|mit)\ .{1,60} | diese\ nachricht\ wurde\ von\ .{1,60}\ gesendet
        | envoyé\ (?:depuis|de|avec|par|à\ partir)\ .{1,60} | enviado\ (?:desde|con|do|da|de|pelo|a\ partir)\ .{1,60} | inviato\ (?:da|dal|con)\ .{1,60}
        | (?:verzonden|verstuurd|gestuurd)\ (?:met|vanaf|vanuit|via)\ .{1,60} | skickat\ från\ .{1,60} | sendt\ fra\ .{1,60} | lähetetty\ .{1,60}
        | wysłan[eo]\ (?:z|ze)\ .{1,60} | odesláno\ z\ .{1,60} | (?:отправлено|надіслано)\ (?:с|со|из|з)\ .{1,60}
        | .{1,40}から送信 | [从從]我的\ ?.{1,30}[发發傳传]送 | 发自我的\ ?.{1,30} | 나의\ .{1,30}에서\ 보냄
        )[.\s>)*_]*$",
    )
});

/// Words of the notices that mail hosts put below a line of asterisks.
static LEGAL: Pattern = LazyLock::new(|| {
    compile(
        r"(?i)\b(confidential|confidentiality|intended (solely|only|recipient)|e-?mails? (message|communication|has|messages are)|monitor(s|ed)|computer virus|disclaimer|vertraulich|confidentiel|confidencial|riservat[oe]|vertrouwelijk)",
    )
});

/// Whether a line carries a quote mark: `>` (however often, with blanks) or `|`; a row of a table is none.
pub(super) fn is_marked(line: &str) -> bool {
    let bare = line.trim_start_matches([' ', '\t', '\u{a0}']);
    if line.len() - bare.len() > 3 {
        return false;
    }
    let barred = bare == "|" || bare.starts_with("| ") || bare.starts_with("|>") || bare.starts_with("||");
    bare.starts_with('>') || (barred && (bare.trim_end().len() == 1 || !bare.trim_end().ends_with('|')))
}

/// `-----Original Message-----` and the like: a quote or forwarded mail without marks follows.
pub(super) fn is_divider(line: &str) -> bool {
    found(&DIVIDER, line)
}

/// Whether a header block of a quoted mail begins here: From, then Sent or Date, and To or Subject.
pub(super) fn is_header_block(rest: &[&str]) -> bool {
    if !rest.first().is_some_and(|line| found(&FROM, line)) {
        return false;
    }
    let below = rest.iter().take(HEADER_LINES_MAX).skip(1);
    let has = |pattern: &Pattern| below.clone().any(|line| found(pattern, line));
    has(&SENT) && (has(&TO) || has(&SUBJECT))
}

/// How many lines the attribution (`On … wrote:`) takes that begins at the first line, if one does.
pub(super) fn attribution(rest: &[&str]) -> Option<usize> {
    let first = rest.first()?;
    // A command may name an address, and stands right above the quote in a short mail.
    if first.trim().is_empty() || first.len() > LINE_BYTES_MAX || first.starts_with('!') {
        return None;
    }
    let dated = found(&PREFIX, first);
    if !dated && !found(&VERB, first) && !first.contains(['<', '@']) {
        return None;
    }
    let mut joined = String::new();
    let mut filled = 0;
    for (at, line) in rest.iter().enumerate().take(ATTRIBUTION_LINES_MAX + 1) {
        if line.trim().is_empty() {
            if dated {
                continue;
            }
            return None;
        }
        if at > 0 && begins_another(line, dated) {
            return None;
        }
        filled += 1;
        joined.push_str(line.trim());
        joined.push(' ');
        let whole = joined.trim_end();
        let wrapped = dated || filled <= 2;
        if filled > ATTRIBUTION_LINES_MAX || joined.len() > LINE_BYTES_MAX || !wrapped {
            return None;
        }
        let after = rest.get(at + 1..).unwrap_or_default();
        if is_attribution(whole, dated, after) {
            return Some(at + 1);
        }
    }
    None
}

/// Whether the attribution begins at this line rather than at the one before.
fn begins_another(line: &str, dated: bool) -> bool {
    (found(&PREFIX, line) && found(&DATE, line) && (!dated || found(&VERB, line))) || (!dated && is_addressed(line))
}

/// A whole attribution without a date in front: an address, "wrote" and a colon.
fn is_addressed(text: &str) -> bool {
    text.trim_end().ends_with([':', '：']) && text.contains('@') && found(&VERB, text)
}

fn is_attribution(text: &str, dated: bool, after: &[&str]) -> bool {
    if !text.ends_with([':', '：']) {
        return false;
    }
    let marked = || after.iter().find(|line| !line.trim().is_empty()).is_some_and(|line| is_marked(line));
    let says = found(&VERB, text);
    (dated && found(&DATE, text) && (says || found(&DATED_ADDRESS, text)))
        || is_addressed(text)
        || (says && (found(&DATE, text) || found(&TIME, text)) && marked())
}

/// `-- ` (RFC 3676 section 4.3), also with its blank lost.
pub(super) fn is_signature_separator(line: &str) -> bool {
    line.trim_end() == "--"
}

/// A line of underscores, which lists and some people set above a footer.
pub(super) fn is_underscores(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 5 && line.bytes().all(|byte| byte == b'_')
}

/// A line of asterisks, which mail hosts set above a legal notice.
pub(super) fn is_stars(line: &str) -> bool {
    let line = line.trim();
    line.len() >= 10 && line.bytes().all(|byte| byte == b'*')
}

/// Whether a line speaks as such notices do.
pub(super) fn is_legal_notice(line: &str) -> bool {
    found(&LEGAL, line)
}

/// A line of nothing but rule characters.
pub(super) fn is_rule(line: &str) -> bool {
    let line = line.trim();
    line == "ᐧ" || line == "—" || (line.len() >= 3 && line.chars().all(|c| "-_=*#~+".contains(c)))
}

/// `Sent from my …` and its kin.
pub(super) fn is_device_line(line: &str) -> bool {
    found(&DEVICE, line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for pattern in
            [&VERB, &PREFIX, &DATE, &TIME, &DATED_ADDRESS, &DIVIDER, &FROM, &SENT, &TO, &SUBJECT, &DEVICE, &LEGAL]
        {
            assert!(pattern.is_some());
        }
    }
}

//! What mail programs write around a forwarded mail, by language: the line above it, and the names of its header fields.
//!
//! Looks at single lines; matches whole labels, never parts of a sentence. Never fails.

/// Longest name of a field, in characters.
const LABEL_MAX_CHARS: usize = 30;

/// What a line of a header block says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    From,
    Date,
    To,
    Subject,
    MessageId,
    /// A field that nothing is taken from.
    Other,
}

const FROM: &[&str] = &[
    "from", "von", "de", "da", "van", "från", "fra", "od", "от", "от кого", "від", "від кого", "lähettäjä", "kimden",
    "gönderen", "feladó", "expéditeur", "remitente", "remetente", "mittente", "absender", "afzender", "avsändare",
    "avsender", "afsender", "nadawca", "odesílatel", "odosielateľ", "отправитель", "de la", "expeditor", "από", "saatja",
    "pošiljatelj", "šalje", "siuntėjas", "sūtītājs", "dari", "từ", "מאת", "من", "差出人", "送信者", "发件人", "發件人",
    "寄件者", "寄件人", "보낸 사람", "보낸사람", "보낸이", "จาก", "frá", "nga", "подател",
];

const DATE: &[&str] = &[
    "date", "sent", "sent on", "date sent", "datum", "gesendet", "gesendet am", "envoyé", "envoyé le", "envoyé à", "fecha",
    "enviado", "enviado el", "enviado em", "enviada em", "enviada", "fecha de envío", "data", "inviato", "data invio",
    "verzonden", "datum verzonden", "skickat", "sendt", "dato", "odesláno", "odoslané", "dátum", "wysłano", "data wysłania",
    "wysłane", "отправлено", "дата", "дата отправки", "надіслано", "lähetetty", "päivämäärä", "päiväys", "päivä", "küldve",
    "elküldve", "tarih", "gönderildi", "gönderme tarihi", "trimis", "ημερομηνία", "στάλθηκε", "kuupäev", "poslano",
    "tanggal", "ngày", "đã gửi", "תאריך", "נשלח", "التاريخ", "送信日時", "日時", "日付", "发送时间", "发送日期", "發送時間",
    "日期", "时间", "時間", "寄件日期", "寄件時間", "보낸 날짜", "날짜", "보낸날짜", "보낸 시간", "วันที่",
];

const TO: &[&str] = &[
    "to", "an", "à", "a", "para", "aan", "till", "til", "do", "komu", "pro", "кому", "vastaanottaja", "kime", "alıcı",
    "címzett", "destinataire", "destinatario", "destinatário", "către", "pentru", "προς", "saaja", "za", "prima", "kam",
    "kepada", "đến", "tới", "אל", "إلى", "宛先", "收件人", "收件者", "받는 사람", "받는사람", "받는이", "ถึง",
];

const SUBJECT: &[&str] = &[
    "subject", "betreff", "objet", "sujet", "asunto", "assunto", "oggetto", "onderwerp", "ämne", "emne", "předmět",
    "predmet", "temat", "тема", "aihe", "otsikko", "konu", "tárgy", "subiect", "θέμα", "teema", "naslov", "tema", "temats",
    "subjek", "perihal", "chủ đề", "tiêu đề", "נושא", "הנדון", "الموضوع", "件名", "主题", "主題", "主旨", "제목", "เรื่อง",
    "относно", "assumpte", "efni",
];

const MESSAGE_ID: &[&str] = &["message-id", "message id", "nachrichten-id"];

const OTHER: &[&str] = &[
    "cc", "bcc", "reply-to", "reply to", "kopie", "copie à", "kopia", "kopi", "kópia", "копия", "копія", "抄送", "参照", "參照",
    "reply-to address", "antwort an", "responder a", "répondre à", "rispondi a", "importance", "priority", "wichtigkeit",
    "importancia", "attachments", "anlagen", "anhänge", "pièces jointes", "allegati", "adjuntos", "bijlagen", "cópia",
    "副本", "附件", "添付ファイル", "숨은 참조", "참조", "sender", "resent-from", "organization", "user-agent", "x-mailer",
    "mime-version", "content-type", "return-path", "received", "list-id", "in-reply-to", "references", "delivered-to",
];

/// Words that stand in the line above a forwarded mail, and nowhere without being about one.
const FORWARD_WORDS: &[&str] = &[
    "forwarded message", "forwarded mail", "forwarded email", "forwarded by", "forwarded letter", "forward message",
    "weitergeleitete nachricht", "weitergeleiteten nachricht", "weitergeleitete e-mail", "weitergeleiteten e-mail",
    "weitergeleitete mail", "message transféré", "message réexpédié", "courriel transféré", "transféré par",
    "mensaje reenviado", "correo reenviado", "mensagem encaminhada", "mensagem reencaminhada", "mensagem reenviada",
    "messaggio inoltrato", "inoltrato da", "doorgestuurd bericht", "doorgestuurde bericht", "vidarebefordrat",
    "vidarebefordrade", "videresendt", "vidaresend", "välitetty viesti", "välitetyn viestin", "edelleenlähetetty",
    "edelleen lähetetty", "przekazana wiadomość", "przekazanej wiadomości", "przekazywanej wiadomości",
    "wiadomość przekazana", "przeposlaná zpráva", "přeposlaná zpráva", "přeposílané zprávy", "přeposlané zprávy",
    "přeposílaná zpráva", "preposlaná správa", "posredovano sporočilo", "proslijeđena poruka", "prosleđena poruka",
    "пересланное", "пересылаемое", "перенаправленное", "переадресованн", "пересылаемого", "пересланного",
    "переслане повідомлення", "пересилається", "препратено", "препратеното", "továbbított", "mesaj redirecționat",
    "mesaj redirectionat", "mesajul redirecționat", "mesaj transmis", "προωθημένο μήνυμα", "προωθημένου μηνύματος",
    "yönlendirilmiş", "yönlendirilen", "iletilen", "edastatud", "pārsūtīt", "persiųst", "persiunčiam", "pesan terusan",
    "pesan yang diteruskan", "thư được chuyển tiếp", "thư chuyển tiếp", "tin nhắn được chuyển tiếp", "missatge reenviat",
    "missatge enviat", "áframsen", "הודעה שהועברה", "הודעה מועברת", "رسالة معاد توجيهها", "الرسالة المُعاد توجيهها",
    "転送メッセージ", "転送された", "転送メール", "转发的邮件", "转发邮件", "轉寄郵件", "轉寄的郵件", "转发的消息", "转发信息",
    "被转发的邮件", "전달된 메일", "전달된 메시지", "전달 메시지", "ข้อความที่ส่งต่อ",
];

/// Words for the end of a forwarded mail.
const END_WORDS: &[&str] = &["end forwarded message", "end of forwarded message", "ende der weitergeleiteten nachricht"];

/// One sends in the name of another: whose address stands there is not said.
const ON_BEHALF: &[&str] =
    &["on behalf of", "im auftrag von", "de la part de", "en nombre de", "em nome de", "per conto di", "namens", "от имени"];

/// The field that a line is, with its value; `None` when it begins with no name of a field that is known.
pub(super) fn field(line: &str) -> Option<(Label, &str)> {
    let (name, value) = line.split_once([':', '：'])?;
    let dressing = |c: char| c == '*' || c == '_' || c == '|' || c.is_whitespace();
    let name = name.trim_matches(dressing);
    if name.is_empty() || name.chars().nth(LABEL_MAX_CHARS).is_some() {
        return None;
    }
    let name = name.to_lowercase();
    let kinds = [
        (FROM, Label::From),
        (DATE, Label::Date),
        (TO, Label::To),
        (SUBJECT, Label::Subject),
        (MESSAGE_ID, Label::MessageId),
        (OTHER, Label::Other),
    ];
    let known = kinds.into_iter().find(|(names, _)| names.contains(&name.as_str())).map(|(_, label)| label);
    let label = known.or_else(|| name.starts_with("x-").then_some(Label::Other))?;
    Some((label, value.trim_matches(dressing)))
}

/// Whether a line announces a forwarded mail: the words for it between dashes, or before a colon.
pub(super) fn is_marker(line: &str) -> bool {
    let framed = |c: char| matches!(c, '-' | '_' | '=' | '—' | '–' | '─' | '*' | '~');
    let line = line.trim();
    let dressed = line.starts_with("--") || line.starts_with(|c: char| framed(c)) && line.ends_with(|c: char| framed(c));
    if !dressed && !line.ends_with([':', '：', ';']) {
        return false;
    }
    let lower = line.to_lowercase();
    FORWARD_WORDS.iter().any(|words| lower.contains(words)) && !is_end_marker(line)
}

/// Whether a line says that the forwarded mail ends.
pub(super) fn is_end_marker(line: &str) -> bool {
    if !line.trim_start().starts_with("--") || line.len() > 200 {
        return false;
    }
    let lower = line.to_lowercase();
    END_WORDS.iter().any(|words| lower.contains(words))
}

/// Whether a sender is said to write for somebody else.
pub(super) fn is_on_behalf(value: &str) -> bool {
    let lower = value.to_lowercase();
    ON_BEHALF.iter().any(|words| lower.contains(words))
}

//! The words of vacation programs in the languages they speak: subjects, and the first sentences of their texts.
//!
//! Never decides alone: a person may write each of these words. Never fails.

/// Characters of a text in which a vacation program says what it is.
const OPENING_MAX_CHARS: usize = 300;

/// Beginnings of subjects that programs write and people hardly do: the form has its own name, often with a colon.
const SUBJECTS: &str = "\
    automatic reply|automatic response|automated reply|automated response|automatic answer|autoreply|\
    auto-reply|auto reply|autoresponse|auto-response|auto response|autoresponder|autoresp|auto:|\
    auto-antwort|[auto-reply|[autoreply|[auto reply|[automatic reply|(autoreply|(auto-reply|\
    out of office autoreply|out of office reply|out of office:|out-of-office:|out of office notification|\
    out of office message|out of the office:|out of office -|[out of office|(out of office|ooo:|[ooo]|\
    vacation reply|vacation message|vacation:|away notice|away message|i am out of the office|\
    i'm out of the office|i am currently out of the office|i am on vacation|i'm on vacation|i am away|\
    i'm away|on vacation|on leave|out of office|out of the office|out-of-office|away from my mail|\
    away from the office|annual leave|maternity leave|parental leave|automatische antwort|\
    automatische rückantwort|automatische empfangsbestätigung|automatische eingangsbestätigung|\
    abwesenheitsnotiz|abwesenheitsnachricht|abwesenheitsmeldung|abwesenheitsbenachrichtigung|\
    abwesenheitsagent|abwesend|nicht im büro|außer haus|ausser haus|bin im urlaub|ich bin nicht im|\
    ich bin im urlaub|réponse automatique|reponse automatique|message d'absence|message automatique|\
    notification d'absence|absence du bureau|absent du bureau|absente du bureau|absence :|en congé|\
    je suis absent|accusé de réception automatique|respuesta automática|respuesta automatica|\
    contestación automática|fuera de la oficina|fuera de oficina|aviso de ausencia|mensaje automático|\
    estoy de vacaciones|de vacaciones|resposta automàtica|risposta automatica|fuori sede|fuori ufficio|\
    messaggio automatico|assenza dall'ufficio|sono in ferie|risponditore automatico|resposta automática|\
    resposta automatica|fora do escritório|ausência do escritório|ausência temporária|mensagem automática|\
    estou de férias|férias:|automatisch antwoord|automatische beantwoording|afwezigheidsmelding|\
    afwezigheidsbericht|afwezigheid:|afwezig:|niet aanwezig|niet op kantoor|autom. antwoord|autosvar|\
    automatiskt svar|frånvaromeddelande|frånvarande|frånvaro:|ej på kontoret|inte på kontoret|\
    automatisk svar|fraværsmeddelelse|fraværsmelding|fraværende|fravær:|ikke til stede|ikke på kontoret|\
    autosvar:|automaattinen vastaus|automaattivastaus|poissaoloilmoitus|poissaoloviesti|poissa toimistosta|\
    olen lomalla|lomalla|sjálfvirkt svar|odpowiedź automatyczna|automatyczna odpowiedź|autoodpowiedź|\
    autoodpowiedz|poza biurem|nieobecność w biurze|nieobecny|nieobecna|automatická odpověď|\
    automatická odpoveď|mimo kancelář|mimo kancelárie|nepřítomnost|neprítomnosť|odpověď v nepřítomnosti|\
    automatikus válasz|házon kívül|irodán kívül|távollét|szabadságon|răspuns automat|raspuns automat|\
    în afara biroului|automatski odgovor|samodejni odgovor|odsutnost:|аутоматски одговор|automaatvastus|\
    automātiskā atbilde|automatinis atsakymas|автоматический ответ|автоматическое сообщение|\
    автоматическое уведомление|автоответ|вне офиса|нет на месте|нет на работе|отсутствую|я в отпуске|\
    в отпуске|автоматична відповідь|автовідповідь|поза офісом|автоматичен отговор|извън офиса|\
    аўтаматычны адказ|αυτόματη απάντηση|αυτόματο μήνυμα|εκτός γραφείου|otomatik yanıt|otomatik cevap|\
    ofis dışında|ofis dışı|自動応答|自動返信|自動送信|不在通知|不在のお知らせ|不在のご案内|不在連絡|不在:|\
    不在：|休暇のお知らせ|自动答复|自动回复|自动应答|自动回覆|自動回覆|自動回復|自動答覆|自動回應|\
    不在办公室|不在辦公室|外出通知|休假通知|자동 회신|자동회신|자동 응답|자동응답|자동 답장|부재중|부재 중|\
    휴가 안내|رد تلقائي|الرد التلقائي|رد آلي|خارج المكتب|پاسخ خودکار|תשובה אוטומטית|מענה אוטומטי|\
    הודעה אוטומטית|מחוץ למשרד|balasan otomatis|jawaban otomatis|di luar kantor|jawapan automatik|\
    balas automatik|trả lời tự động|tự động trả lời|thư trả lời tự động|vắng mặt|ตอบกลับอัตโนมัติ|\
    ข้อความตอบกลับอัตโนมัติ|स्वचालित उत्तर|स्वत: उत्तर";

/// Ends of subjects that programs write behind the subject they answer.
const SUBJECT_ENDS: &str = "\
    (automatic response)|(auto response)|(auto-response)|(automatic reply)|(autoreply)|(auto-reply)|\
    (auto reply)|(out of office)|[auto-reply]|[autoreply]|[automatic reply]|[out of office]|- autoreply|\
    - auto reply|- automatic reply|- out of office|is out of the office|is out of office|is on vacation";

/// Words that open the text of a vacation notice.
const SENTENCES: &str = "\
    i am out of the office|i'm out of the office|i am out of office|i'm out of office|am currently out of|\
    i'm currently out of|will be out of the office|will be out of office|is out of the office|\
    is out of office|be out of the office|currently out of office|i am currently away|i'm currently away|\
    i am away|i'm away from|i will be away|i'll be away|i am on vacation|i'm on vacation|i am on holiday|\
    i'm on holiday|i am on annual leave|i'm on annual leave|i am on leave|i'm on leave|i am currently on|\
    i'm currently on|on parental leave|on maternity leave|on paternity leave|i am travelling|i am traveling|\
    limited access to my e|limited access to e|no access to e|no access to my e|without access to e|\
    will be returning on|when i return|upon my return|on my return|this is an automatic reply|\
    this is an automated reply|this is an automatic response|this is an automated response|\
    this is an auto-reply|this is an auto reply|this is an autoreply|this is an auto-generated|\
    this is an automatically generated|i no longer work|no longer works at|no longer with the company|\
    no longer employed|has left the company|is no longer monitored|is not monitored|\
    mailbox is not monitored|we have received your message|we have received your e|has been received and|\
    ticket has been created|ich bin nicht im büro|nicht im büro|ich bin derzeit nicht|ich bin zurzeit nicht|\
    ich bin zur zeit nicht|ich bin momentan nicht|ich bin aktuell nicht|ich bin bis|ich bin ab|ich bin vom|\
    ich bin im urlaub|im urlaub|in urlaub|außer haus|ausser haus|ich befinde mich|bin ich nicht erreichbar|\
    nicht erreichbar|wieder erreichbar|ich bin abwesend|in elternzeit|in mutterschutz|\
    wird nicht weitergeleitet|nicht mehr im unternehmen|dies ist eine automatische|\
    diese nachricht wurde automatisch|je suis absent|je suis actuellement absent|je suis en congé|\
    je suis actuellement en congé|je serai absent|je suis en vacances|absent du bureau|absente du bureau|\
    absente jusqu|absent jusqu|de retour le|en déplacement|ceci est une réponse automatique|\
    ceci est un message automatique|estoy fuera de la oficina|estaré fuera|me encuentro fuera|\
    me encuentro de vacaciones|estoy de vacaciones|estaré de vacaciones|estoy ausente|estaré ausente|\
    fuera de la oficina|esta es una respuesta automática|sono fuori ufficio|sarò fuori ufficio|\
    sono in ferie|sarò in ferie|sono assente|sarò assente|fuori sede|questa è una risposta automatica|\
    estou fora do escritório|estarei fora|estou de férias|estarei de férias|estou ausente|estarei ausente|\
    esta é uma resposta automática|ik ben afwezig|ik ben niet aanwezig|ik ben niet op kantoor|\
    ik ben momenteel|ik ben met vakantie|ik ben op vakantie|met vakantie|niet op kantoor|\
    dit is een automatisch|jag är på semester|jag har semester|jag är inte på kontoret|jag är ledig|\
    jag är borta|jag är frånvarande|jag är tjänstledig|jag är föräldraledig|åter på kontoret|\
    detta är ett automatiskt|jeg er på ferie|jeg har ferie|jeg holder ferie|jeg er ikke på kontoret|\
    jeg er fraværende|jeg er bortreist|jeg er ute av kontoret|tilbage på kontoret|tilbake på kontoret|\
    dette er et automatisk|olen lomalla|olen poissa|en ole paikalla|en ole toimistolla|palaan töihin|\
    tämä on automaattinen|ég er í fríi|jestem poza biurem|przebywam na urlopie|jestem na urlopie|\
    jestem nieobecn|będę nieobecn|w biurze będę|to jest automatyczna|jsem mimo kancelář|nejsem v kanceláři|\
    jsem na dovolené|čerpám dovolenou|mám dovolenou|nie som v kancelárii|som mimo kancelárie|\
    som na dovolenke|čerpám dovolenku|toto je automatická|szabadságon vagyok|házon kívül vagyok|\
    nem vagyok az irodában|irodán kívül|nu sunt la birou|sunt în concediu|sunt in concediu|\
    voi fi în concediu|nisam u uredu|na godišnjem odmoru|nisem v pisarni|na dopustu|ma olen puhkusel|\
    я в отпуске|нахожусь в отпуске|я нахожусь в|меня нет|меня не будет|буду отсутствовать|отсутствую на|\
    я отсутствую|вне офиса|это автоматическ|данное письмо сформировано автоматически|я у відпустці|\
    перебуваю у відпустці|мене немає|поза офісом|в отпуск съм|извън офиса съм|отсъствам|\
    είμαι εκτός γραφείου|απουσιάζω|βρίσκομαι σε άδεια|ofis dışındayım|ofiste değilim|izindeyim|yıllık izin|\
    tatildeyim|不在にして|不在とな|外出して|休暇を|休暇中|休暇のため|出張中|このメールは自動|自動返信|\
    自動送信|自動配信|正在休假|休假中|我在休假|我正在休|不在办公室|不在辦公室|外出|出差|您的邮件已收到|\
    这是一封自动|这是自动|此郵件為自動|自动回复|부재중|부재 중|휴가 중|휴가중|출장 중|자동으로 발송|\
    자동 회신|أنا خارج المكتب|خارج المكتب|في إجازة|هذا رد تلقائي|אני מחוץ למשרד|אני בחופשה|לא אהיה במשרד|\
    זוהי תשובה אוטומטית|saya sedang cuti|saya sedang berada di luar|saya sedang tidak|tôi đang nghỉ|\
    tôi hiện không|tôi đi công tác|tôi đang đi|ไม่อยู่ที่สำนักงาน|ลาพักร้อน";

/// Words by which a host asks the sender to prove that he is a person, before it delivers.
const CHALLENGES: &str = "\
    account is protected by|mailbox is protected by|inbox is protected by|email is protected by|\
    added to my guest list|added to the recipient's allowed|to be added to my approved|\
    on my approved senders|to have your address added|to ensure delivery of your|\
    before your message can be delivered|before your email can be delivered|\
    your message will be delivered once|i'm protecting myself from|confirm that you sent|\
    confirm that you are a person|confirm you are a person|confirm that you are human|\
    verify that you are a person|verify you are a person|verify that you are human|prove that you are human|\
    one-time verification|one time verification|challenge-response|challenge/response|\
    reply to this message to confirm|simply reply to this message|authenticate yourself|sender verification|\
    requires confirmation of";

/// A text in the form in which the lists are compared: lower case, plain quotes, single blanks.
fn normalized(text: &str) -> String {
    let plain = text.to_lowercase().replace(['\u{2019}', '\u{2018}', '`'], "'");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How much a subject reads like that of a vacation program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Subject {
    /// Like one of a person.
    Other,
    /// It begins with the words.
    Begins,
    /// The words stand alone, or set apart from the subject that was answered.
    Form,
}

/// Tells how much a subject reads like that of a vacation program.
pub(super) fn vacation_subject(subject: &str) -> Subject {
    let subject = normalized(subject);
    // Some programs answer as a person does.
    let bare =
        ["re:", "aw:", "sv:", "odp:"].iter().find_map(|mark| subject.strip_prefix(mark)).unwrap_or(&subject).trim();
    if SUBJECT_ENDS.split('|').any(|end| bare.ends_with(end)) {
        return Subject::Form;
    }
    let rests = SUBJECTS.split('|').filter_map(|start| bare.strip_prefix(start).map(|rest| (start, rest)));
    let mut found = Subject::Other;
    for (start, rest) in rests {
        if start.ends_with(':') || is_set_apart(rest.trim_start()) {
            return Subject::Form;
        }
        if ends_a_word(rest) {
            found = Subject::Begins;
        }
    }
    found
}

/// Whether a text opens as a vacation notice does.
pub(super) fn opens_as_vacation(text: &str) -> bool {
    let opening: String = text.chars().take(OPENING_MAX_CHARS * 2).collect();
    let opening: String = normalized(&opening).chars().take(OPENING_MAX_CHARS).collect();
    SENTENCES.split('|').any(|sentence| opening.contains(sentence))
}

/// Whether a text asks its reader to prove that he is a person.
pub(super) fn asks_for_proof(text: &str) -> bool {
    let opening: String = text.chars().take(OPENING_MAX_CHARS * 6).collect();
    let opening = normalized(&opening);
    CHALLENGES.split('|').any(|words| opening.contains(words))
}

/// Whether what follows the words is nothing, a mark that sets it apart, or a date.
fn is_set_apart(rest: &str) -> bool {
    let dates = [
        "until ", "till ", "from ", "bis ", "ab ", "vom ", "jusqu", "du ", "hasta ", "fino ", "até ", "tot ", "t/m ",
        "til ", "till ", "do ", "до ", "с ",
    ];
    rest.chars()
        .next()
        .is_none_or(|c| matches!(c, ':' | '：' | '(' | '[' | ']' | ')' | '-' | '–' | '—' | '!' | '.' | ',' | '|' | '/'))
        || dates.iter().any(|word| rest.starts_with(word))
}

/// Whether what follows is no letter of the same word. Scripts without blanks between words have no such end.
fn ends_a_word(rest: &str) -> bool {
    rest.chars().next().is_none_or(|c| !c.is_alphanumeric() || !c.is_ascii())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_the_form_they_are_compared_in() {
        for phrase in [SUBJECTS, SUBJECT_ENDS, SENTENCES, CHALLENGES].iter().flat_map(|list| list.split('|')) {
            assert!(!phrase.is_empty() && normalized(phrase) == phrase, "{phrase}");
        }
    }

    #[test]
    fn subjects_of_programs_are_known_in_many_languages() {
        for subject in [
            "Automatic reply: Your report",
            "Out of Office AutoReply: x",
            "AUTO: Ana is out of the office (returning 01/02)",
            "Re: blah (Automatic Response)",
            "Automatische Antwort: Fehler",
            "Abwesenheitsnotiz: x",
            "Réponse automatique : x",
            "Respuesta automática: x",
            "Risposta automatica: R: x",
            "Resposta automática: x",
            "Automatisch antwoord: x",
            "Autosvar: x",
            "Automatisk svar: x",
            "Automaattinen vastaus: x",
            "Odpowiedź automatyczna: x",
            "Automatická odpověď: x",
            "Automatická odpoveď: x",
            "Automatikus válasz: x",
            "Răspuns automat: x",
            "Автоматический ответ: x",
            "Автоматична відповідь: x",
            "Автоматичен отговор: x",
            "Αυτόματη απάντηση: x",
            "Otomatik Yanıt: x",
            "自動応答: x",
            "自动答复: x",
            "自动回复：x",
            "자동 회신: x",
            "رد تلقائي: x",
            "תשובה אוטומטית: x",
            "Balasan otomatis: x",
            "Trả lời tự động: x",
        ] {
            assert_eq!(vacation_subject(subject), Subject::Form, "{subject}");
        }
        assert_eq!(vacation_subject("Automatic reply bot XSS"), Subject::Begins);
        assert_eq!(vacation_subject("Out of office until Monday"), Subject::Form);
        for subject in [
            "Autoreplying to spam leaks data",
            "Absence of output escaping in module X",
            "Your vacation rental",
            "Abwesenheitsmodul: SQL injection",
            "Re: report",
        ] {
            assert_eq!(vacation_subject(subject), Subject::Other, "{subject}");
        }
    }
}

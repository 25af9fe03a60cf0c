//! The words of mail programs, by language: patterns for single lines.
//!
//! Looks at one line at a time, never at a whole text; [`plain`] makes a line ready. A line longer than
//! [`LINE_BYTES_MAX`] matches nothing. Every pattern is linear (no backtracking); one that would not compile matches
//! nothing, and a test sees to it that all compile.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// A line a client writes above a quote is far shorter.
pub(super) const LINE_BYTES_MAX: usize = 500;

pub(super) type Pattern = LazyLock<Option<Regex>>;

fn compile(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

/// Whether a pattern is found in a line.
pub(super) fn found(pattern: &Pattern, line: &str) -> bool {
    line.len() <= LINE_BYTES_MAX && found_in(pattern, line)
}

/// As [`found`], in a paragraph of any length that the caller has bounded.
pub(super) fn found_in(pattern: &Pattern, text: &str) -> bool {
    pattern.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

/// A line without marks of direction and with its white space collapsed; nothing where it is too long to be a mail
/// program's.
pub(super) fn plain(line: &str) -> Cow<'_, str> {
    if line.len() > LINE_BYTES_MAX {
        return Cow::Borrowed("");
    }
    let line = line.trim();
    if line.is_ascii() && !line.contains("  ") && !line.contains(|c: char| c.is_ascii_control() || c == '&') {
        // As most lines are.
        return Cow::Borrowed(line);
    }
    let shown: String = line.chars().filter(|c| !is_hidden(*c)).collect();
    // One large provider writes the entity into plain text.
    Cow::Owned(shown.replace("&nbsp;", " ").split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Marks of direction, and what has no width.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Whether an attribution may end with this line. Costs little, and spares most lines the patterns.
pub(super) fn may_end_attribution(line: &str) -> bool {
    let end = line.trim_end_matches(|c: char| c.is_whitespace() || is_hidden(c));
    end.ends_with([':', '：']) || ["wrote", "écrit", "写道", "schrieb", "&nbsp;"].iter().any(|word| end.ends_with(word))
}

/// Whether a line can be a divider, by how it begins and ends. Costs little, and spares most lines the patterns.
pub(super) fn may_divide(line: &str) -> bool {
    line.starts_with(['-', '_', '=', '—', '–', '#', '*', '~', '+', '<', '>'])
        || line.ends_with(['-', '#', '=', '*', '_', '~'])
        || line.ends_with([':', '：'])
}

/// Words for "wrote".
pub(super) static VERB: Pattern = LazyLock::new(|| {
    compile(
        r"(?ix)\b(wrote | writes | has\ written | schrieb | schreibt | geschrieben | schreef | skrev | skriver | skreiv | skrifaði
        | escribi[óo] | escribiu | ha\ escrit | va\ escriure | escreveu | scritto | [ée]crit | idatzi | napisa[łl] | napísal | napsal | pisze | píše | piše
        | je\ pisao | написал | пишет | написав | написала | пише | написа | напісаў | kirjoitti | kirjutas | rakstīja | rašė | írta | yazdı | scris | έγραψε
        | viết | menulis)
        | 写道 | 寫道 | 写到 | 写了 | 書きました | 書いた | のメール | 작성 | 썼습니다 | 쓴\ 글 | เขียน | כתב | كتب | نوشت | ने\ लिखा",
    )
});

/// Words that people use of anybody; above a marked quote they attribute it.
pub(super) static SAID: Pattern =
    LazyLock::new(|| compile(r"(?i)\b(said|says|dijo|dit|sagte|sa|sade|disse|zei|powiedział|сказал)[ )]*[:：]$"));

/// How an attribution with a date begins.
pub(super) static PREFIX: Pattern = LazyLock::new(|| {
    compile(
        r"(?i)^[ *_(-]*(on|at|in|am|le|el|il|em|op|den|på|dne|dňa|dnia|dana|w dniu|pe|în|vào|pada|στις|tarihinde|kello|v|в|во|на|у|在|于|於)\b.*\d|^[ *_(]*(在|于|於)\s*\d|^[ (]*\d{1,4}[ ./年년-]",
    )
});

/// A year or a date in figures. A time alone stands in reports too ("at 10:00 the server wrote:").
pub(super) static DATE: Pattern =
    LazyLock::new(|| compile(r"\b(19|20)\d\d\b|\d[./-]\d{1,2}[./-]\d{2}|\d\s?[年년]|[٠-٩]{4}|[۰-۹]{4}"));

pub(super) static TIME: Pattern = LazyLock::new(|| compile(r"\b\d{1,2}[:.]\d{2}\b|\d\s?[時点點시]"));

/// An address as mail programs name an author.
pub(super) static ADDRESSED: Pattern =
    LazyLock::new(|| compile(r"[<(\[]\s*<?\s*(mailto:)?[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+>?\s*[>)\]]"));

/// A word that quotes somebody without a verb behind.
pub(super) static QUOTING: Pattern = LazyLock::new(|| {
    compile(
        r"(?i)^[ *_]*(quoting|quoth|zitat von|zitiere|citando( a)?|citat från|citat|selon|cituji|cytowanie|missatge de|sitat|idézet|цитирую|цитата)\b.{2,}",
    )
});

/// A line that announces a quoted or forwarded mail.
pub(super) static DIVIDER: Pattern = LazyLock::new(|| {
    compile(
        r"(?ix)^[\ *_]*(?:
        [-_=—–]{2,}\ ?(?:
            original\ (?:message|appointment|nachricht|melding|e-?mail|post)(?:\ from\ .{1,80})? | reply\ (?:message|separator) | forwarded\ (?:message|mail|e-?mail)(?:\ from\ .{1,80})? | forward(?:ed)?\ header
            | quoted\ (?:message|text) | previous\ message | urspr(?:ü|ue)ngliche\ (?:nachricht|e-?mail|mail) | original-?nachricht | weitergeleitete\ (?:nachricht|e-?mail) | ende\ der\ nachricht
            | message\ (?:d['’]\ ?origine|original|transféré|transmis|initial|précédent) | courriel\ (?:original|transféré|d['’]origine) | e-?mail\ d['’]origine | mensaje\ (?:original|reenviado|de\ origen) | correo\ original
            | messaggio\ (?:originale|inoltrato|originario) | (?:oorspronkelijk|origineel|doorgestuurd)\ (?:bericht|e-?mail) | mensagem\ (?:original|encaminhada|reencaminhada)
            | (?:oryginalna|przekazana|treść\ przekazanej|pierwotna)\ wiadomość | wiadomość\ (?:oryginalna|przekazana) | treść\ oryginalnej\ wiadomości
            | исходное\ (?:сообщение|письмо) | (?:пересылаемое|пересланное|перенаправленное|оригинальное)\ (?:сообщение|письмо) | конец\ пересылаемого\ сообщения
            | (?:вихідне|оригінальне|переслане)\ повідомлення | оригинално\ (?:съобщение|писмо) | препратено\ съобщение
            | ursprungligt\ (?:meddelande|e-post.{0,20}) | originalmeddelande | vidarebefordrat\ (?:meddelande|e-post.{0,20})
            | (?:opprinnelig|original|videresendt)\ (?:melding|e-post) | (?:oprindelig|original|videresendt)\ (?:meddelelse|besked|e-?mail)
            | (?:původní|přeposlaná|originální)\ (?:zpráva|e-?mail) | (?:pôvodná|preposlaná)\ (?:správa|e-?mail) | (?:izvorna|originalna|proslijeđena|prosleđena)\ poruka | (?:izvirno|posredovano)\ sporočilo
            | alkuperäinen\ viesti | (?:edelleenlähetetty|välitetty)\ viesti | eredeti\ üzenet | továbbított\ (?:üzenet|levél) | (?:orijinal|özgün|iletilen|yönlendirilen)\ (?:mesaj|ileti|e-?posta)
            | mesajul?\ (?:original|ini[țţt]ial|redirec[țţt]ionat) | mesaj\ (?:original|redirec[țţt]ionat) | (?:αρχικό|προωθημένο)\ μήνυμα | tin\ nhắn\ gốc | thư\ gốc | (?:pesan|mesej)\ (?:asli|terusan|yang\ diteruskan)
            | missatge\ (?:original|reenviat) | algne\ (?:kiri|sõnum) | (?:הודעה\ מקורית|הודעה\ שהועברה) | (?:الرسالة\ الأصلية|رسالة\ (?:معاد\ توجيهها|محولة|أصلية))
            | 元のメッセージ | オリジナル\ ?メッセージ | 転送(?:された|元)?メッセージ | 転送(?:された)?メール | (?:原始|转发|轉寄|轉發)的?(?:邮件|郵件|消息|訊息|信件)(?:信息)? | 回复的原邮件 | 原邮件 | 원본\ ?메(?:시지|일) | (?:전달된|전달)\ ?메(?:시지|일)
        )\ ?[-_=—–]{2,}
        | -{4,}\ ?original\ ?-{4,}
        | -{3,}.{0,20}\b(?:forwarded|weitergeleitet|transféré|reenviado|inoltrato|doorgestuurd)\ (?:by|von|par|por|da|door)\ .{1,120}-{3,}
        | -{3,}\ ?this\ is\ a\ copy\ of\ (?:the|your)\ message.{0,60}-{2,}
        | (?:begin\ forwarded\ message | anfang\ der\ weitergeleiteten\ (?:nachricht|e-?mail) | début\ du\ (?:message|courriel)\ (?:réexpédié|transféré) | inicio\ del\ mensaje\ reenviado
            | inizio\ (?:del\ )?messaggio\ inoltrato | begin\ doorgestuurd\ bericht | início\ da\ mensagem\ (?:encaminhada|reenviada|reencaminhada) | начало\ (?:переадресованного|пересылаемого)\ сообщения
            | vidarebefordrat\ brev | start\ på\ videresendt\ (?:melding|besked|e-?mail) | videresendt\ melding | początek\ (?:przekazywanej|przekazanej)\ wiadomości | začátek\ přeposílané\ zprávy | välitetty\ viesti\ alkaa
            | továbbított\ levél\ kezdete | iletilen\ mesajın\ başlangıcı | початок\ переадресованого\ повідомлення | 以下は、?転送されたメッセージです | (?:下面|以下)是被?(?:转发|轉寄)的(?:邮件|郵件) | 開始轉寄郵件 | 전달된\ 메시지\ 시작)
            \ ?[:：]
        )[\ *_]*$",
    )
});

/// `Reply above this line`, as trackers set it above what they send, between rule characters.
pub(super) static ABOVE: Pattern = LazyLock::new(|| {
    compile(
        r"(?ix)^[-\#=*_~+<>\ ]{2,}.{0,40}(?:repl|respon|type|write|antwort|répon|réponse|escrib|rispo|scriv|escrev|antwoord|odpow|отве).{0,40}(?:above|oberhalb|über|au-dessus|encima|sopra|acima|boven|powyżej|выше).{0,40}$
        | ^.{0,40}(?:repl|respon|type|write|antwort|répon|escrib|rispo|scriv|escrev|antwoord|odpow|отве).{0,40}(?:above|oberhalb|über|au-dessus|encima|sopra|acima|boven|powyżej|выше).{0,40}[-\#=*_~]{2,}$",
    )
});

pub(super) static FROM: Pattern = LazyLock::new(|| {
    compile(
        r"(?i)^[ *_]*(from|von|de|da|van|från|fra|frá|od|от|від|от кого|lähettäjä|kimden|gönderen|feladó|expéditeur|mittente|remitente|afzender|avsändare|avsender|nadawca|odesílatel|de la|από|saatja|từ|dari|จาก|מאת|من|از|差出人|送信者|送信元|发件人|發件人|寄件者|寄件人|보낸 ?사람)[ *_]*[:：]",
    )
});
pub(super) static SENT: Pattern = LazyLock::new(|| {
    compile(
        r"(?i)^[ *_]*(sent|sent at|date|gesendet|gesendet am|datum|envoyé|envoyé le|enviado|enviada|enviado el|enviada em|enviat|fecha|data|data de envio|inviato|verzonden|skickat|sendt|dato|odesláno|odoslané|wysłano|data wysłania|отправлено|дата|надіслано|изпратено|lähetetty|päivämäärä|päiväys|küldve|elküldve|dátum|gönderme tarihi|gönderildi|gönderim|tarih|trimis|στάλθηκε|ημερομηνία|poslano|poslato|saadetud|kuupäev|đã gửi|ngày|dikirim|terkirim|tanggal|ส่ง|วันที่|נשלח|תאריך|تاريخ الإرسال|التاريخ|تم الإرسال|送信日時|送信日|日時|日付|发送时间|发送日期|發送時間|日期|时间|寄件日期|보낸 ?날짜|날짜)[ *_]*[:：]",
    )
});
pub(super) static TO: Pattern = LazyLock::new(|| {
    compile(
        r"(?i)^[ *_]*(to|an|à|a|para|aan|till|til|do|pro|komu|кому|до|vastaanottaja|kime|alıcı|címzett|către|la|προς|destinataire|destinatario|adresat|adresát|pre|za|prima|saaja|đến|tới|kepada|ke|untuk|ถึง|אל|إلى|宛先|収件人|收件人|收件者|받는 ?사람)[ *_]*[:：]",
    )
});
pub(super) static SUBJECT: Pattern = LazyLock::new(|| {
    compile(
        r"(?i)^[ *_]*(subject|betreff|objet|sujet|asunto|assunto|assumpte|oggetto|onderwerp|ämne|emne|efni|předmět|predmet|temat|тема|относно|aihe|konu|tárgy|subiect|θέμα|naslov|zadeva|teema|chủ đề|tiêu đề|subjek|perihal|judul|เรื่อง|หัวข้อ|נושא|الموضوع|件名|主题|主旨|主題|제목)[ *_]*[:：]",
    )
});

/// Lines that phones and mail programs add.
pub(super) static DEVICE: Pattern = LazyLock::new(|| {
    compile(
        r"(?ix)^[\ <(\[*_~]*(?:
        (?:\p{Lu}\w+\ from | sent | someone\ from | written)\ (?:(?:from|via|with|by|using|on)\ )?[^.,!?]{0,50}?\b(?:iphone|ipad|ipod|android|blackberry|smartphone|phone|mobile|cell|tablet|galaxy|samsung|htc|windows|mail|gmail|e-?mail\ client|outlook|mailbox|airmail|pixel|nokia|huawei|xiaomi|oneplus|motorola|device|surface|proton|protonmail|fastmail|hey|spark|sparrow|superhuman|bluemail|mailbird|thunderbird|k-9|nine|newton|canary|tutanota|tuta|zoho|missive|front|shortwave|edison|aquamail|fairemail)\b.*
        | sent\ from\ my\ \S+(?:\ [^\s,.]+){0,3}
        | (?:via|from)\ (?:my\ )?(?:iphone|ipad|android|blackberry|phone|mobile|smartphone|cell)\b.{0,20}
        | (?:get|download|t[ée]l[ée]charger?z?|obtenir|obtenez|obt[eé]n|obtener|obter|ottieni|scarica|holen\ sie\ sich|hanki|hämta|skaffa|hent|få|pobierz|stáhnout|získat|получить|скачать|завантажити|отримати)\ (?:program\ |o\ |die\ |aplikaci\ )?\[?(?:outlook|blue\ ?mail|yahoo\ mail|proton\ mail|aquamail)\ (?:for|pour|para|per|für|voor|för|til|till|dla|pro|для|on)\b.*
        | outlook\ (?:für|voor)\ .{2,30}\ (?:beziehen|herunterladen|downloaden) | 获取\ ?outlook.* | 取得\ ?outlook.* | outlook.{0,12}(?:を入手|다운로드).*
        | von\ (?:meinem|unterwegs|mobil|samsung).{0,40}\ ?gesendet | gesendet\ (?:von|mit|über|aus)\ .{1,70} | (?:diese|die)\ (?:nachricht|mail|e-mail)\ wurde\ (?:von|mit)\ .{1,60}\ (?:gesendet|verschickt|versandt)
        | mobil\ gesendet | envoyé\ (?:depuis|de|avec|par|via|à\ partir|du)\ .{1,60} | (?:enviado|enviada|enviat)\ (?:desde|con|com|do|da|de|del|pelo|usando|via|a\ partir|des\ del)\ .{1,60} | (?:inviato|inviata|spedito)\ (?:da|dal|dallo|con|tramite)\ .{1,60}
        | (?:verzonden|verstuurd|gestuurd)\ (?:met|vanaf|vanuit|via|van)\ .{1,60} | (?:skickat|skickades|sänt|skickad)\ (?:från|via|med)\ .{1,60} | sendt\ (?:fra|via|med)\ .{1,60} | lähetetty\ .{1,60}
        | (?:wysłan[eo]|wysłano)\ (?:z|ze|za|przez)\ .{1,60} | (?:odesláno|odeslané)\ (?:z|ze|přes)\ .{1,60} | odoslané\ (?:z|zo)\ .{1,60} | (?:poslano|poslato)\ (?:s|sa|iz|z)\ .{1,60}
        | (?:отправлено|надіслано|изпратено|відправлено|послано)\ (?:с|со|из|з|із|от|через)\ .{1,60} | trimis\ (?:de\ pe|din|cu)\ .{1,60} | στάλθηκε\ από\ .{1,60} | saadetud\ .{1,60} | sūtīts\ no\ .{1,60} | išsiųsta\ iš\ .{1,60}
        | .{1,40}\ küldve | .{1,40}\ gönderildi | (?:đã\ )?(?:được\ )?gửi\ từ\ .{1,60} | (?:dikirim|dihantar)\ (?:dari|daripada)\ .{1,60} | ส่งจาก.{1,60} | נשלח\ (?:מה?|באמצעות).{1,60} | (?:أُرسلت|أرسلت|مرسل|مُرسل|تم\ الإرسال)\ من\ .{1,60}
        | .{1,40}から送信(?:されました)? | [从從由].{0,3}我的?\ ?.{1,30}[发發傳传]送 | [发發]自(?:我的)?\ ?.{1,30} | .{1,30}[发發]出 | (?:나의|내)\ .{1,30}에서\ 보냄 | .{1,30}에서\ (?:보냄|보낸\ 메일입니다)
        )[.!\ >)\]*_~]*$",
    )
});

/// Lines that antivirus programs, lists and printers' friends add, each complete in itself.
pub(super) static ADDED: Pattern = LazyLock::new(|| {
    compile(
        r"(?ix)^[\ <(\[*_|]*(?:
        (?:virus-?free|virenfrei|libre\ de\ virus|sin\ virus|garanti\ sans\ virus|sans\ virus|privo\ di\ virus|senza\ virus|virusvrij|livre\ de\ vírus|sem\ vírus|без\ вирусов|wolny\ od\ wirusów|bez\ (?:virů|vírusov|virusa)|virusfri|virustön|vírusmentes|virüssüz)\b.{0,120}
        | (?:this|the)\ (?:e-?mail|message)\ (?:has\ been|was|is)\ (?:checked|scanned|swept|certified|sent\ from\ a\ virus).{0,160}
        | (?:outgoing|incoming)\ mail\ is\ certified.{0,80} | no\ virus\ found\ in\ this\ (?:outgoing|incoming)?\ ?message.{0,80} | checked\ by\ avg.{0,80}
        | diese\ (?:e-?mail|nachricht)\ wurde\ von\ .{2,60}\ auf\ viren\ (?:geprüft|überprüft).{0,40} | l['’]absence\ de\ virus\ dans\ ce\ courri.{0,120} | (?:este|el)\ (?:correo|mensaje).{0,40}(?:comprobado|analizado|verificado).{0,40}virus.{0,80}
        | (?:este\ e-?mail|esta\ mensagem)\ foi\ (?:verificad|escanead).{0,100} | questa?\ (?:e-?mail|messaggio)\ (?:è|e')\ stat[ao]\ (?:controllat|analizzat|esaminat).{0,120} | dit\ bericht\ is\ gecontroleerd.{0,80} | (?:это|данное)\ (?:сообщение|письмо)\ (?:проверено|не\ содержит\ вирус).{0,80}
        | https?://(?:www\.)?(?:avast|avg)\.com/?\S*>? | (?:www\.)?(?:avast|avg)\.com>? | \#?dab4fad8-2dd7-40bb-a1b8-4e2aa1f9fdf2>?
        | (?:please\ )?(?:think|consider)\ .{0,20}(?:the\ )?(?:environment|planet|tree).{0,80} | (?:pensez|merci\ de\ penser)\ à\ l['’]environnement.{0,80} | (?:bitte\ )?(?:denken\ sie\ an\ die\ umwelt|prüfen\ sie\ bitte,?\ ob\ diese\ mail).{0,80}
        | (?:antes\ de\ imprimir|prima\ di\ stampare|avant\ d['’]imprimer|bevor\ sie\ diese|before\ (?:you\ )?print).{0,120}
        | (?:to\ )?unsubscribe(?:\ from\ this.{1,80})?:?\ ?.{0,10}(?:mailto:|https?://|\S+@).{0,200}
        | (?:reply\ to\ this\ email\ directly|to\ respond,\ reply\ to\ this\ email|you\ (?:are\ receiving|received)\ this\ (?:message|e-?mail|notification)?\ ?because).{0,200}
        | (?:visit|view)\ (?:topic|message|it\ on)\b.{0,120}
        )[.!\ >)\]*_|]*$",
    )
});

/// Words of the lines that lists, groups and trackers put below a rule.
pub(super) static FOOTER: Pattern = LazyLock::new(|| {
    compile(
        r"(?ix)\b(unsubscribe | mailman/ | listinfo | mailing[\ -]list$ | list\ (?:archives?|info) | you\ (?:received|are\ receiving|are\ subscribed) | google\ groups? | groups\.io | yahoo!?\ groups
        | reply\ to\ this\ e?-?mail | view\ (?:it|this\ \w+)\ (?:online|on\ \w+) | visit\ topic | view\ topic | to\ (?:post|subscribe)\ | avast\.com | avg\.com | scanned\ (?:by|for)\ | virus-free
        | se\ désabonner | désinscri | abbestellen | abmelden | austragen | darse\ de\ baja | cancelar\ (?:la\ )?suscripción | disiscri | cancella(?:rsi|zione) | uitschrijven | afmelden | wypisać | отписаться | descadastr | cancelar\ (?:a\ )?(?:inscrição|assinatura))",
    )
});

/// What a legal notice may speak of; two of these make one. A word for mail belongs to it as well.
pub(super) static NOTICE: [Pattern; 4] = [
    LazyLock::new(|| {
        compile(
            r"(?i)confidential|privileged|\bprivate\b|proprietary|disclaimer|vertraulich|confidentiel|confidencia|riservat|vertrouwelijk|poufn|konfident|konfidensi|fortrolig|luottamuksell|důvěrn|bizalmas|gizli|конфиденц|конфіденц|機密|秘密|保密|机密|기밀",
        )
    }),
    LazyLock::new(|| {
        compile(
            r"(?i)intended\s+(solely|only|recipient|for)|addressee|named\s+recipient|individual\s+or\s+entity|to\s+whom\s+(it|they)|ausschließlich\s+für|empfänger|adressat|destinatai?r|destinatari|destinatár|geadresseerde|bestemd\s+voor|adresat|mottagare|mottaker|modtager|vastaanottaja|příjemc|címzett|alıcı|адресат|получател|одержувач|宛|受信者|收件人|수신자|opinions\s+expressed|views\s+expressed|views\s+of|necessarily",
        )
    }),
    LazyLock::new(|| {
        compile(
            r"(?i)in\s+error|by\s+mistake|notify\s+(us|the)|delete\s+(it|this|the|all)|destroy|unauthori[sz]ed|prohibited|unlawful|irrtümlich|versehentlich|unbefugt|nicht\s+gestattet|vernichten|löschen|par\s+erreur|détruire|interdite|por\s+error|borr[ea]|elimin|prohibid|per\s+errore|cancell|vietat|por\s+engano|por\s+erro|proibid|abusievelijk|ten\s+onrechte|verwijder|omyłk|usun|av\s+misstag|ved\s+en\s+feil|ved\s+en\s+fejl|omylem|tévedés|yanlışlık|по\s+ошибке|помилк|удалит|誤|误|실수",
        )
    }),
    LazyLock::new(|| {
        compile(
            r"(?i)(swept|scann?ed|checked|screened|tested)\s+(for|by)|virus|malware|monitored|intercepted|logged|recorded|registered\s+(in|office|number|company)|messagelabs|mimecast|auf\s+viren|sitz\s+der\s+gesellschaft|handelsregister|environment|printing|data\s+protection",
        )
    }),
];

/// Words for mail in a legal notice.
pub(super) static MAIL: Pattern = LazyLock::new(|| {
    compile(
        r"(?i)e-?mail|message|communication|transmission|attachment|footnote|correo|courriel|courrier|mensaje|nachricht|mitteilung|messaggio|comunicazione|mensagem|bericht|wiadomo|meddeland|melding|besked|viesti|zpráv|správ|üzenet|levél|ileti|сообщен|письм|повідомл|лист|メール|邮件|郵件|메일",
    )
});

/// A line that opens a legal notice by itself.
pub(super) static NOTICE_TITLE: Pattern = LazyLock::new(|| {
    compile(
        r"(?ix)^[\ *_\#=-]*(?:(?:legal\ )?disclaimer | (?:e-?mail\ )?confidentiality\ (?:notice|note|statement|warning)(?:\ .{0,30})? | (?:important|legal|privacy|privileged?)\ notice | notice\ of\ confidentiality | haftungsausschluss | (?:wichtiger\ |rechtlicher\ )hinweis | vertraulichkeitshinweis | avis\ de\ confidentialité | clause\ de\ confidentialité | aviso\ (?:legal|de\ confidencialidad(?:e)?) | avviso\ (?:legale|di\ riservatezza) | nota\ de\ confidencialidad)[\ :：*_.\#=-]*$",
    )
});

/// The sign-off of a letter, as a line of its own.
pub(super) static SIGN_OFF: Pattern = LazyLock::new(|| {
    compile(
        r"(?ix)^[\ *_/~-]*(?:
        (?:(?:many|much|lots\ of|big|kind(?:est)?|best|warm(?:est)?|with\ (?:kind|best|warm|many)|all\ the)\ )?(?:thanks|thank\ you|thx|tnx|regards|rgds|greetings|wishes|cheers|best)(?:\ (?:and|&)\ (?:kind\ |best\ |warm\ )?(?:regards|thanks))?(?:\ (?:again|so\ much|very\ much|in\ advance|a\ lot|for\ (?:your|the|all)\ .{2,30}|everyone|all))?
        | thanking\ you.{0,20} | (?:yours?\ )?(?:sincerely|faithfully|truly|respectfully|cordially|ever)(?:\ yours?)? | yours | (?:br|kr|vg|mvh|mfg|lg|vlg|cu|hth|ttyl|kthxbai|take\ care|have\ a\ (?:nice|good|great)\ .{2,12}|sent\ by|love|ciao|bye) | hope\ (?:this|that|it)\ helps
        | (?:mit\ )?(?:vielen|besten|herzlichen|freundlichen|lieben|schönen|viele|beste|herzliche|freundliche|liebe|schöne)\ (?:dank|grü(?:ß|ss)en?|gruß|grue(?:ss|ß)en?)(?:\ .{1,20})? | danke(?:\ schön|\ im\ voraus)? | gru(?:ß|ss)(?:\ .{1,15})? | hochachtungsvoll
        | (?:bien\ |très\ )?cordialement(?:\ vôtre)? | merci(?:\ beaucoup|\ d['’]avance|\ par\ avance)? | (?:bien\ à\ (?:vous|toi)|salutations.{0,20}|amicalement|sincères\ salutations|meilleures\ salutations)
        | (?:un\ (?:cordial\ )?)?saludos?(?:\ .{2,20})? | (?:muchas\ )?gracias(?:\ .{2,25})? | atentamente | un\ abrazo | cordiali\ saluti | (?:distinti|cari|tanti)\ saluti | saluti | grazie(?:\ .{2,20})? | (?:muito\ )?obrigad[oa](?:\ .{2,20})? | atenciosamente | att | abraços?
        | (?:met\ )?(?:vriendelijke|hartelijke)\ groet(?:en)? | groet(?:en|jes)? | (?:alvast\ )?(?:bedankt|dank)(?:\ .{2,15})? | (?:med\ )?(?:vänliga?|venlig|vennlig|bästa|beste)\ h[äi]ls(?:ningar?|en|ninger) | (?:tack|takk|tak)(?:\ (?:på\ förhand|så\ mycket))? | hälsningar | terveisin | ystävällisin\ terveisin | kiitos
        | pozdrawiam(?:\ .{2,20})? | z\ poważaniem | dzięk(?:i|uję) | s\ pozdravem | (?:děkuji|díky)(?:\ .{2,12})? | üdvözlettel | üdv | köszönettel | köszönöm | saygılarım(?:la|ızla) | te[şs]ekkürler | (?:cu\ stimă|mulțumesc) | с\ уважением | спасибо(?:\ .{2,20})? | з\ повагою | дякую | με\ εκτίμηση | ευχαριστώ
        | よろしくお願い(?:いた)?します | 以上 | 敬具 | 此致 | 谢谢 | 謝謝 | 祝好 | 감사합니다
        )[\ ,.!;:*_)(-]*(?:[:;]-?[)D])?$",
    )
});

/// What people give in a signature so that they can be reached: an address, a number, their site.
pub(super) static CONTACT: Pattern = LazyLock::new(|| {
    compile(
        r"(?ix)^[^\ ]{0,30}?[\w.+-]+@[\w-]+\.[\w.-]+[>)\]]?$ | \b(?:e-?mail|mail(?:to)?|skype|twitter|linkedin|jabber|xmpp|icq|irc|gpg|pgp|fingerprint|tel|telephone|phone|telefon|tél|mobile?|cell|fax|office|direct|ph|dir)\b\.?\ ?[:.]?\ ?[(+@\w]*\d | ^[tmfpec]\s?[.:]\ ?[+(\w]
        | ^(?:(?:e-?mail|skype|twitter|linkedin|jabber|xmpp|gpg|pgp|web|www|site|internet|blog|homepage)\s?:\s*)\S+$ | (?:\+|\()\d[\d\ ()./-]{6,}\d | ^[\d\ ()./-]{8,22}$ | \b\d{3}[-.]\d{3}[-.]\d{4}\b
        | ^\W{0,3}(?:https?://)?(?:www\.)[\w-]+\.[\w./-]+>?$ | ^\W{0,3}https?://[\w.-]+/?>?$ | ^\W{0,3}https?://(?:[\w-]+\.)*(?:linkedin|facebook|twitter|x|github|gitlab|xing)\.com/\S+$ | \bvia\ (?:mobile|iphone|android|phone)\b",
    )
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        let all = [
            &VERB,
            &SAID,
            &PREFIX,
            &DATE,
            &TIME,
            &ADDRESSED,
            &QUOTING,
            &DIVIDER,
            &ABOVE,
            &FROM,
            &SENT,
            &TO,
            &SUBJECT,
            &DEVICE,
            &ADDED,
            &FOOTER,
            &MAIL,
            &NOTICE_TITLE,
            &SIGN_OFF,
            &CONTACT,
        ];
        for (at, pattern) in all.into_iter().chain(&NOTICE).enumerate() {
            assert!(pattern.is_some(), "pattern {at}");
        }
    }

    #[test]
    fn a_line_is_made_plain_and_an_endless_one_is_nothing() {
        assert_eq!(plain("\u{202b}On\u{a0}\u{200e} Monday\t\u{202c}"), "On Monday");
        assert_eq!(plain(&"x".repeat(LINE_BYTES_MAX + 1)), "");
    }
}

//! The words that mail hosts use in the languages they speak: subjects, first sentences, "still trying".
//!
//! Never decides alone: a person may write each of these words. Never fails.

use std::sync::LazyLock;

use regex::Regex;

/// Characters of a notice in which it says what it is.
const OPENING_MAX_CHARS: usize = 1500;

/// Parts of subjects of reports, in lower case: of hosts of every kind in English, then those of Exchange and of large hosts
/// in other languages.
const SUBJECTS: &str = "\
    undeliverable|undelivered|undeliverd|returned mail|returned to sender|return to sender|\
    returning message to sender|returning to sender|mail returned|message returned|email returned|\
    returned email|returned message|delivery failure|delivery failed|delivery has failed|failed delivery|\
    failure delivery|delivery status|delivery notification|delivery problem|delivery error|\
    error during delivery|delivery report|delivery warning|delivery delayed|delivery incomplete|\
    delivery unsuccessful|delivery delay|deliver failed|delayed mail|mail delay|message delayed|delayed for|\
    delayed:|hours delayed|could not be delivered|couldn't be delivered|cannot be delivered|\
    can't be delivered|could not deliver|unable to deliver|not delivered|not been delivered|\
    wasn't delivered|non-delivery|nondelivery|non delivery|not deliverable|failure notice|\
    failure notification|failed mail|mail failed|mail failure|email failure|failed message|\
    mail system error|mailsystem error|mail error|mail delivery|warning: could not send|\
    could not send message|could not be sent|not sent|message rejected|mail rejected|rejected mail|\
    email rejected|rejected by|user unknown|unknown user|processing error|bounced mail|bounced email|\
    bounce notification|bounce message|ndn:|ndr:|dsn:|mail quota|quota exceeded|mailbox full|\
    mailbox is full|message status|message not delivered|problem delivering|problems delivering|\
    invalid recipient|recipient not found|no such user|unzustellbar|nicht zugestellt|\
    zustellung fehlgeschlagen|zustellungsfehler|zustellfehler|konnte nicht zugestellt|non remis|\
    non distribuable|non délivr|échec de la remise|échec de remise|échec de distribution|n'a pas pu être|\
    no se puede entregar|no se pudo entregar|no entregado|no ha podido entregarse|mensaje devuelto|\
    correo devuelto|non recapitabile|impossibile recapitare|mancato recapito|mancata consegna|\
    não é possível entregar|não entregue|não foi entregue|falha na entrega|falha ao entregar|onbestelbaar|\
    niet bezorgd|kan niet worden bezorgd|går inte att leverera|kan inte levereras|ej levererat|\
    kunde inte levereras|kan ikke leveres|kan ikke afleveres|ikke levert|kunne ikke leveres|\
    toimitus epäonnistui|toimittaminen epäonnistui|ei voi toimittaa|ei voitu toimittaa|niedostarczone|\
    nie można dostarczyć|nie dostarczono|zwrot poczty|nedoručiteln|nedoručiteľn|nedoručen|nelze doručit|\
    kézbesíthetetlen|nem kézbesíthető|sikertelen kézbesítés|nelivrabil|nu poate fi livrat|не доставлено|\
    недоставлен|не удается доставить|не удалось доставить|сообщение не доставлен|ошибка доставки|\
    невозможно доставить|не вдалося доставити|не може бути доставлен|не може да се достави|\
    δεν είναι δυνατή η παράδοση|αποτυχία παράδοσης|teslim edilemedi|iletilemedi|配信不能|配信できません|\
    配信エラー|配送エラー|配信失敗|不達|エラーメール|送信できませんでした|无法送达|无法投递|投递失败|\
    传输失败|發送失敗|发送失败|未送达|未傳遞|退信|退件|無法傳遞|無法送達|배달되지 않음|배달할 수 없|\
    전송 실패|발송 실패|반송|غير قابل للتسليم|تعذر تسليم|לא ניתן למסירה|לא נמסר|tidak terkirim|\
    gagal terkirim|không gửi được|không thể gửi|neisporučeno|ni mogoče dostaviti";

/// Sentences by which a notice says that a mail did not arrive, or not yet: English, Germanic, Finnish, Romance, Slavic and
/// other European languages, then those of Asia.
const FAILURES: &str = "\
    could not be delivered|couldn't be delivered|cannot be delivered|can't be delivered|\
    can not be delivered|could not deliver|couldn't deliver|cannot deliver|can't deliver|unable to deliver|\
    unable to be delivered|undeliverable|undelivered|not delivered|not been delivered|wasn't delivered|\
    wasn't able to deliver|was not able to deliver|not able to deliver|weren't able to deliver|\
    were unable to deliver|not deliverable|non-deliverable|non-delivery|delivery failed|delivery has failed|\
    deliveries failed|failed delivery|delivery failure|failed permanently|failed recipient|failed address|\
    delivery to the following|delevery to the following|did not reach|could not be reached|\
    couldn't be reached|failed to reach|did not receive|have not received|has not been received|\
    permanent fatal errors|fatal delivery errors|fatal errors|transient non-fatal|delivery problems|\
    has been returned|is being returned|was returned|returned to you|returned because|mail was refused|\
    refused to accept|was rejected|been rejected|rejected by the|could not be sent|couldn't be sent|\
    failed to send|could not send|unable to send|not sent|cannot be sent|error occurred while|\
    encountered an error|error was detected|delivery attempts|has been delayed|is delayed|was delayed|\
    still being attempted|not yet been delivered|has been postponed|been deferred|delivery of email to|\
    this is the qmail-send program|this is the deliver program|the mail system|delivery status notification|\
    delivery report|delivery notification|mail delivery software|failed because|the following address|\
    following recipient|mailbox is full|mailbox unavailable|mailbox exceeds|quota violation|over quota|\
    user unknown|unknown user|no such user|did not exactly match|invalid final delivery|may not exist|\
    does not exist|couldn't be found|could not be found|address not found|no valid recipients|\
    has been blocked|message blocked|message not delivered|message was not|being undeliverable|\
    nicht zugestellt|unzustellbar|nicht zustellbar|nicht ausgeliefert|zustellung fehlgeschlagen|\
    nicht erreicht|konnte nicht übermittelt|niet worden bezorgd|niet bezorgd|niet worden afgeleverd|\
    niet afgeleverd|kan niet worden bezorgd|onbestelbaar|kunde inte levereras|inte levereras|inte leverera|\
    gick inte att leverera|kunne ikke leveres|kan ikke leveres|kunne ikke afleveres|blev ikke leveret|\
    ble ikke levert|ei voitu toimittaa|ei voida toimittaa|toimitus epäonnistui|toimittaminen epäonnistui|\
    n'a pas pu être|n'a pas pu etre|n'ont pas pu être|n'a pas été remis|n'a pas été délivré|\
    échec de la remise|impossible de remettre|impossible de délivrer|non remis|n'a pu être|\
    n'a pas été distribué|no se pudo entregar|no se ha podido entregar|no ha podido ser entregado|\
    no pudo ser entregado|no se puede entregar|no fue entregado|error en la entrega|não pôde ser entregue|\
    não pode ser entregue|nao pode ser|não foi possível entregar|não foi entregue|falha na entrega|\
    não é possível entregar|impossibile recapitare|non è stato possibile|non è stato recapitato|\
    non e' stato possibile|non è stato consegnato|non può essere recapitato|mancata consegna|\
    nu a putut fi livrat|nu poate fi livrat|nie została dostarczona|nie mogła zostać dostarczona|\
    nie można dostarczyć|nie udało się dostarczyć|nie dostarczono|nemohla být doručena|nelze doručit|\
    nebylo možné doručit|nebyla doručena|nebolo možné doručiť|nem kézbesíthető|nem lehetett kézbesíteni|\
    kézbesítése sikertelen|не может быть доставлено|не было доставлено|не доставлено|не удалось доставить|\
    невозможно доставить|не удается доставить|не вдалося доставити|не було доставлено|неможливо доставити|\
    не може да бъде доставен|не може да се достави|nije isporučena|nije moguće isporučiti|\
    δεν ήταν δυνατή η παράδοση|δεν είναι δυνατή η παράδοση|δεν παραδόθηκε|teslim edilemedi|iletilemedi|\
    ulaştırılamadı|无法送达|无法投递|无法发送|投递失败|未能送达|没有送达|发送失败|退信|被退回|無法傳遞|\
    無法送達|無法投遞|傳送失敗|配信できません|配信されません|配送できません|送信できません|お届けできません|\
    届けることができません|届きません|配信に失敗|배달할 수 없|배달되지|전송할 수 없|전달되지|전송하지 못|\
    전송에 실패|발송에 실패|تعذر تسليم|لم يتم تسليم|لا يمكن تسليم|לא ניתן למסור|לא נמסרה|לא היה ניתן למסור|\
    tidak dapat dikirim|tidak terkirim|gagal dikirim|không thể gửi|không gửi được|không được gửi";

/// Sentences by which a host says that it goes on trying.
const STILL_TRYING: &str = "\
    this is a warning message only|this is a warning only|this is just a warning|warning message only|\
    you do not need to resend|do not need to resend|no need to resend|please do not resend|will keep trying|\
    will continue to try|will continue to be|attempts will continue|we will continue to attempt|\
    continue trying|still trying|will be retried|will retry|will try again|keep trying to deliver|\
    further delivery attempts|no action is required on your part|not yet been delivered|has been delayed|\
    delivery has been delayed|is delayed|transient non-fatal errors|has been postponed|delivery is delayed|\
    temporarily deferred|delivery incomplete|advisory-only|noch nicht zugestellt|verzögert|\
    wird weiterhin versucht|weitere zustellversuche|n'a pas encore été|est retardée|a été retardé|\
    de nouvelles tentatives|aún no se ha entregado|se ha retrasado|se seguirá intentando|\
    seguiremos intentando|ainda não foi entregue|continuaremos tentando|non è ancora stato|\
    consegna ritardata|è stata ritardata|nog niet bezorgd|vertraagd|wordt opnieuw geprobeerd|har försenats|\
    försenad|er forsinket|forsinket|opóźnion|będzie ponawian|zpožděn|пока не доставлено|еще не доставлено|\
    задержана|задерживается|будут продолжены|затримано|gecikti|遅延|再送を試み|延迟|延遲|将继续尝试|지연";

/// Sentences that say it is over, whatever else is said of waiting.
const GIVEN_UP: &str = "\
    permanent error|permanent fatal|failed permanently|given up|giving up|i've given up|\
    not going to try again|gave up|couldn't be delivered|has failed|was not delivered|permanent failure";

static IS_SUBJECTS: LazyLock<Option<Regex>> = LazyLock::new(|| any_of(SUBJECTS));
static IS_FAILURES: LazyLock<Option<Regex>> = LazyLock::new(|| any_of(FAILURES));
static IS_STILL_TRYING: LazyLock<Option<Regex>> = LazyLock::new(|| any_of(STILL_TRYING));
static IS_GIVEN_UP: LazyLock<Option<Regex>> = LazyLock::new(|| any_of(GIVEN_UP));

/// Lower case, with plain quotes and single blanks: the form that the lists are compared in.
pub(super) fn normalized(text: &str) -> String {
    let plain = text.to_lowercase().replace(['\u{2019}', '\u{2018}', '`'], "'");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a subject is that of a report. It has to be in lower case.
pub(super) fn is_subject(subject: &str) -> bool {
    any(&IS_SUBJECTS, subject)
}

/// Whether a normalized text says that a mail did not arrive.
pub(super) fn says_failed(text: &str) -> bool {
    any(&IS_FAILURES, text)
}

/// Whether the beginning of a normalized notice says that a mail did not arrive.
pub(super) fn opens_with_failure(notice: &str) -> bool {
    says_failed(notice.chars().take(OPENING_MAX_CHARS).collect::<String>().as_str())
}

/// Whether a normalized notice is about a delay: the host goes on trying.
pub(super) fn is_delay(notice: &str) -> bool {
    any(&IS_STILL_TRYING, notice) && !any(&IS_GIVEN_UP, notice)
}

/// One pattern for a list of phrases, which stand between bars: a text is then gone through once for all of them.
fn any_of(list: &str) -> Option<Regex> {
    Regex::new(&list.split('|').map(regex::escape).collect::<Vec<_>>().join("|")).ok()
}

fn any(list: &LazyLock<Option<Regex>>, text: &str) -> bool {
    list.as_ref().is_some_and(|pattern| pattern.is_match(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_in_the_form_they_are_compared_in() {
        for phrase in [SUBJECTS, FAILURES, STILL_TRYING, GIVEN_UP].iter().flat_map(|list| list.split('|')) {
            assert!(!phrase.is_empty() && normalized(phrase) == phrase, "{phrase}");
        }
    }

    #[test]
    fn every_list_is_one_pattern() {
        for pattern in [&IS_SUBJECTS, &IS_FAILURES, &IS_STILL_TRYING, &IS_GIVEN_UP] {
            assert!(pattern.is_some());
        }
    }

    #[test]
    fn a_delay_is_known_from_a_failure() {
        assert!(is_delay(&normalized("THIS IS A WARNING MESSAGE ONLY.\nYou do not need to resend")));
        assert!(!is_delay("delivery has been delayed for 5 days. i've given up."));
        assert!(!is_delay("your message could not be delivered"));
    }
}

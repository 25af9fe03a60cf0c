//! Mails as clients make them, client by client and language by language, none of them from a collection: what is
//! own in each. The quoted words all say `old`, the own ones never do.

use super::own_text;

/// Client and language, the body, its own lines.
type Case = (&'static str, &'static str, &'static str);

fn check(cases: &[Case]) {
    let mut wrong = Vec::new();
    for (name, body, own) in cases {
        let got = own_text(body);
        if got.text != *own {
            wrong.push(format!("{name}: {:?} instead of {own:?}", got.text));
        }
        let kept = [&got.text, &got.quoted, got.signature.as_deref().unwrap_or_default()].join("\n");
        let lost = body.lines().filter(|line| line.chars().any(char::is_alphabetic) && !kept.contains(line.trim_end()));
        wrong.extend(lost.map(|line| format!("{name}: lost {line:?}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of mail programs")]
fn replies_of_mail_programs_in_english() {
    check(&[
        ("Gmail", "yes\n\nOn Mon, Nov 2, 2026 at 10:00 AM Ana Lee <ana@example.org> wrote:\n\n> old\n>\n", "yes"),
        (
            "Gmail, folded four times",
            "yes\n\nOn Mon, Nov 2, 2026 at 10:00 AM 'Ana Lee the Third' via\nA List With A Very Long Name Indeed\n<\nlist@example.org> wrote:\n\n> old",
            "yes",
        ),
        (
            "Gmail, folded with a mark",
            "yes\n\nOn Mon, Nov 2, 2026 at 10:00 AM Ana Lee <ana@example.org\n> wrote:\n\n> old",
            "yes",
        ),
        (
            "Gmail, forwarded",
            "see below\n\n---------- Forwarded message ---------\nFrom: Ana <ana@example.org>\nDate: Mon, Nov 2, 2026 at 10:00 AM\nSubject: x\nTo: <team@example.org>\n\n\nold",
            "see below",
        ),
        (
            "Outlook desktop",
            "yes\n\n \n\nFrom: Ana Lee [mailto:ana@example.org] \nSent: Monday, November 2, 2026 10:00 AM\nTo: Team\nCc: Bo\nSubject: RE: x\n\n \n\nold",
            "yes",
        ),
        (
            "Outlook, bold",
            "yes\n\n*From:* Ana Lee <ana@example.org>\n*Sent:* Monday, November 2, 2026 10:00 AM\n*To:* Team\n*Subject:* RE: x\n\nold",
            "yes",
        ),
        (
            "Outlook web",
            "yes\n________________________________\nFrom: Ana Lee <ana@example.org>\nSent: Monday, November 2, 2026 10:00 AM\nTo: Team\nSubject: Re: x\n\nold",
            "yes",
        ),
        (
            "Outlook for iOS",
            "yes\n\nGet Outlook for iOS<https://aka.example/o0>\n________________________________\nFrom: Ana <ana@example.org>\nSent: Monday, November 2, 2026 10:00:00 AM\nTo: Team\nSubject: x\n\nold",
            "yes",
        ),
        (
            "Outlook for Mac",
            "yes\n\nFrom: Ana Lee <ana@example.org>\nReply-To: Ana <ana@example.org>\nDate: Monday, 2 November 2026 at 10:00\nTo: Team\nSubject: x\n\nold",
            "yes",
        ),
        (
            "Outlook, appointment",
            "yes\n\n-----Original Appointment-----\nFrom: Ana\nSent: Monday\nTo: Team\nSubject: x\nWhen: old",
            "yes",
        ),
        ("Apple Mail", "yes\n\n> On 2 Nov 2026, at 10:00, Ana Lee <ana@example.org> wrote:\n> \n> old", "yes"),
        (
            "Apple Mail, forwarded",
            "see\n\nBegin forwarded message:\n\nFrom: Ana <ana@example.org>\nSubject: x\nDate: 2 November 2026 at 10:00:00 CET\nTo: team@example.org\n\nold",
            "see",
        ),
        (
            "iPhone",
            "yes\n\nSent from my iPhone\n\n> On Nov 2, 2026, at 10:00 AM, Ana <ana@example.org> wrote:\n> \n> \u{feff}old",
            "yes",
        ),
        (
            "Samsung",
            "yes\n\n\nSent from my Galaxy\n\n\n-------- Original message --------\nFrom: Ana <ana@example.org>\nDate: 11/2/26 10:00 AM (GMT+01:00)\nTo: team@example.org\nSubject: x\n\nold",
            "yes",
        ),
        ("Thunderbird", "On 11/2/26 10:00, Ana Lee wrote:\n> old\nyes\n\n-- \nBo\nExample Org\n", "yes"),
        (
            "mutt",
            "On Mon, Nov 02, 2026 at 10:00:00AM +0100, Ana Lee wrote:\n> old\n\nyes\n\n> old\n\nno\n",
            "yes\n\nno",
        ),
        ("K-9", "yes\n-- \nSent from my Android device with K-9 Mail. Please excuse my brevity.", "yes"),
        (
            "K-9, answer above",
            "yes\n\nOn 2 November 2026 10:00:00 CET, Ana <ana@example.org> wrote:\n>old\n\n-- \nSent from my Android device with K-9 Mail. Please excuse my brevity.",
            "yes",
        ),
        (
            "Yahoo, old",
            "yes\n\n\n\n________________________________\n From: Ana <ana@example.org>\nTo: team@example.org \nSent: Monday, November 2, 2026 10:00 AM\nSubject: x\n \nold",
            "yes",
        ),
        (
            "Yahoo, older",
            "yes\n\n--- On Mon, 11/2/26, Ana Lee <ana@example.org> wrote:\n\n\nFrom: Ana Lee <ana@example.org>\nSubject: x\n\nold",
            "yes",
        ),
        (
            "Yahoo, new",
            " yes\n    On Monday, November 2, 2026 at 10:00:00 AM GMT+1, Ana Lee <ana@example.org> wrote:  \n \n old  ",
            " yes",
        ),
        (
            "Yahoo on Android",
            "yes\n\nSent from Yahoo Mail on Android \n \n  On Mon, Nov 2, 2026 at 10:00, Ana<ana@example.org> wrote:   old",
            "yes",
        ),
        (
            "Hotmail",
            "yes\n \n> Date: Mon, 2 Nov 2026 10:00:00 +0100\n> From: ana@example.org\n> Subject: x\n> \n> old\n",
            "yes",
        ),
        (
            "Hotmail, no marks",
            "yes\n\nDate: Mon, 2 Nov 2026 10:00:00 +0100\nSubject: x\nFrom: ana@example.org\nTo: team@example.org\n\nold",
            "yes",
        ),
        (
            "AOL",
            "yes\n\n\n-----Original Message-----\nFrom: Ana <ana@example.org>\nTo: team <team@example.org>\nSent: Mon, Nov 2, 2026 10:00 am\nSubject: x\n\nold",
            "yes",
        ),
        (
            "AOL, older",
            "yes\n\nIn a message dated 11/2/2026 10:00:00 A.M. Eastern Standard Time, ana@example.org writes:\n\nold",
            "yes",
        ),
        ("Lotus Notes", "yes\n\n\"Ana Lee\" <ana@example.org> wrote on 11/02/2026 10:00:00 AM:\n\n> old\n> old", "yes"),
        (
            "Lotus Notes, columns",
            "yes\n\n\nAna Lee <ana@example.org>\n02/11/2026 10:00\n\nTo\nteam@example.org\ncc\n\nSubject\nRe: x\n\n\nold",
            "yes",
        ),
        (
            "Lotus Notes, forwarded",
            "see\n\n----- Forwarded by Ana Lee/Example/US on 11/02/2026 10:00 AM -----\n\nold",
            "see",
        ),
        ("GroupWise", "yes\n\n>>> Ana Lee <ana@example.org> 11/2/2026 10:00 AM >>>\nold\n\nold", "yes"),
        ("GroupWise, enclosed", ">>> Ana Lee <ana@example.org> >>>\nold\n<<< Ana Lee <ana@example.org> <<<\nyes", ""),
        (
            "Zimbra",
            "yes\n\n----- Original Message -----\nFrom: \"Ana\" <ana@example.org>\nTo: team@example.org\nSent: Monday, November 2, 2026 10:00:00 AM\nSubject: x\n\nold",
            "yes",
        ),
        (
            "Zimbra, answers below",
            "----- On Nov 2, 2026, at 10:00 AM, Ana ana@example.org wrote:\n\n> old\n\nyes",
            "yes",
        ),
        ("Roundcube", "On 2026-11-02 10:00, Ana Lee wrote:\n> old\n\nyes\n", "yes"),
        (
            "Proton",
            "yes\n\nSent with [Proton Mail](https://proton.example/) secure email.\n\nOn Monday, November 2nd, 2026 at 10:00 AM, Ana <ana@example.org> wrote:\n\n> old",
            "yes",
        ),
        (
            "Proton, older",
            "yes\n\nSent from ProtonMail mobile\n\n-------- Original Message --------\nOn Nov 2, 2026, 10:00 AM, Ana < ana@example.org> wrote:\n\n> old",
            "yes",
        ),
        ("Fastmail", "On Mon, 2 Nov 2026, at 10:00, Ana Lee wrote:\n> old\n\nyes", "yes"),
        (
            "Superhuman",
            "yes\n\nSent via Superhuman ( https://sprh.example/?vip=a@b.org )\n\nOn Mon, Nov 02, 2026 at 10:00 AM, Ana < ana@example.org > wrote:\n\n> \n> old\n> ",
            "yes",
        ),
        ("Horde", "Quoting Ana Lee <ana@example.org>:\n\n> old\n\nyes", "yes"),
        ("Gnus", ">>>>> \"Ana\" == Ana Lee <ana@example.org> writes:\n\n    Ana> old\n    Ana> old\n\nyes", "yes"),
        ("Evolution", "On Mon, 2026-11-02 at 10:00 +0100, Ana Lee wrote:\n> old\n\nyes", "yes"),
        ("a custom attribution", "Ana Lee wrote:\n> old\n\nyes", "yes"),
        ("a tracker", "yes\n\n##- Please type your reply above this line -##\n\nold", "yes"),
        (
            "a wrapped quote",
            "> some words that fill the whole line until the width of the window there\nis used\n> old\n\nyes",
            "yes",
        ),
    ]);
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table of mail programs")]
fn replies_in_other_languages() {
    check(&[
        (
            "Gmail, German",
            "ja\n\nAm Mo., 2. Nov. 2026 um 10:00 Uhr schrieb Ana Lee <\nana@example.org>:\n\n> old",
            "ja",
        ),
        (
            "Outlook, German",
            "ja\n\nVon: Ana Lee <ana@example.org>\nGesendet: Montag, 2. November 2026 10:00\nAn: Team\nCc: Bo\nBetreff: AW: x\n\nold",
            "ja",
        ),
        (
            "iPhone, German",
            "ja\n\nVon meinem iPhone gesendet\n\n> Am 02.11.2026 um 10:00 schrieb Ana <ana@example.org>:\n> \n> old",
            "ja",
        ),
        (
            "GMX, German",
            "ja\n\nGesendet: Montag, 02. November 2026 um 10:00 Uhr\nVon: \"Ana\" <ana@example.org>\nAn: team@example.org\nBetreff: x\n\nold",
            "ja",
        ),
        ("Gmail, French", "oui\n\nLe lun. 2 nov. 2026 à 10:00, Ana Lee <ana@example.org> a\nécrit :\n\n> old", "oui"),
        (
            "Outlook, French",
            "oui\n\nDe : Ana Lee <ana@example.org>\nEnvoyé : lundi 2 novembre 2026 10:00\nÀ : Team\nObjet : RE: x\n\nold",
            "oui",
        ),
        (
            "Outlook, French, older",
            "oui\n\n-----Message d'origine-----\nDe : Ana\nEnvoyé : lundi\nÀ : Team\nObjet : x\n\nold",
            "oui",
        ),
        (
            "iPhone, French",
            "oui\n\nEnvoyé de mon iPhone\n\n> Le 2 nov. 2026 à 10:00, Ana <ana@example.org> a écrit :\n> old",
            "oui",
        ),
        (
            "Gmail, Spanish",
            "sí\n\nEl lun, 2 nov 2026 a las 10:00, Ana Lee (<ana@example.org>)\nescribió:\n\n> old",
            "sí",
        ),
        (
            "Outlook, Spanish",
            "sí\n\nDe: Ana Lee <ana@example.org>\nEnviado el: lunes, 2 de noviembre de 2026 10:00\nPara: Team\nAsunto: RE: x\n\nold",
            "sí",
        ),
        (
            "Gmail, Italian",
            "sì\n\nIl giorno lun 2 nov 2026 alle ore 10:00 Ana Lee <\nana@example.org> ha scritto:\n\n> old",
            "sì",
        ),
        (
            "iPhone, Italian",
            "sì\n\nInviato da iPhone\n\n> Il giorno 2 nov 2026, alle ore 10:00, Ana <ana@example.org> ha scritto:\n> \n> old",
            "sì",
        ),
        (
            "Gmail, Portuguese",
            "sim\n\nEm seg., 2 de nov. de 2026 às 10:00, Ana Lee <ana@example.org>\nescreveu:\n\n> old",
            "sim",
        ),
        (
            "Outlook, Portuguese",
            "sim\n\nDe: Ana <ana@example.org>\nEnviada em: segunda-feira, 2 de novembro de 2026 10:00\nPara: Team\nAssunto: RES: x\n\nold",
            "sim",
        ),
        ("Gmail, Dutch", "ja\n\nOp ma 2 nov 2026 om 10:00 schreef Ana Lee <ana@example.org>:\n\n> old", "ja"),
        (
            "Outlook, Dutch",
            "ja\n\nVan: Ana <ana@example.org>\nVerzonden: maandag 2 november 2026 10:00\nAan: Team\nOnderwerp: RE: x\n\nold",
            "ja",
        ),
        ("Gmail, Swedish", "ja\n\nDen mån 2 nov. 2026 kl 10:00 skrev Ana Lee <ana@example.org>:\n\n> old", "ja"),
        (
            "Outlook, Swedish",
            "ja\n\nFrån: Ana <ana@example.org>\nSkickat: den 2 november 2026 10:00\nTill: Team\nÄmne: SV: x\n\nold",
            "ja",
        ),
        ("Gmail, Danish", "ja\n\nDen man. 2. nov. 2026 kl. 10.00 skrev Ana Lee <ana@example.org>:\n\n> old", "ja"),
        (
            "iPad, Norwegian",
            "ja\n\nSendt fra min iPad\n\n2. nov. 2026 kl. 10:00 skrev Ana <ana@example.org>:\n\nold",
            "ja",
        ),
        (
            "Gmail, Finnish",
            "kyllä\n\nma 2. marrask. 2026 klo 10.00 Ana Lee (ana@example.org) kirjoitti:\n\n> old",
            "kyllä",
        ),
        (
            "Outlook, Finnish",
            "kyllä\n\nLähettäjä: Ana <ana@example.org>\nLähetetty: maanantai 2. marraskuuta 2026 10.00\nVastaanottaja: Team\nAihe: VS: x\n\nold",
            "kyllä",
        ),
        ("Gmail, Polish", "tak\n\npon., 2 lis 2026 o 10:00 Ana Lee <ana@example.org> napisał(a):\n\n> old", "tak"),
        ("Thunderbird, Polish", "W dniu 2.11.2026 o 10:00, Ana Lee pisze:\n> old\n\ntak", "tak"),
        ("Gmail, Czech", "ano\n\npo 2. 11. 2026 v 10:00 odesílatel Ana Lee <ana@example.org>\nnapsal:\n\n> old", "ano"),
        (
            "Seznam, Czech",
            "ano\n\n---------- Původní e-mail ----------\nOd: Ana <ana@example.org>\nKomu: team@example.org\nDatum: 2. 11. 2026 10:00:00\nPředmět: x\n\"old\"",
            "ano",
        ),
        (
            "Gmail, Hungarian",
            "igen\n\nAna Lee <ana@example.org> ezt írta (időpont: 2026. nov. 2., H,\n10:00):\n\n> old",
            "igen",
        ),
        (
            "Outlook, Hungarian",
            "igen\n\nFeladó: Ana <ana@example.org>\nElküldve: 2026. november 2., hétfő 10:00\nCímzett: Team\nTárgy: x\n\nold",
            "igen",
        ),
        (
            "Gmail, Turkish",
            "evet\n\nAna Lee <ana@example.org>, 2 Kas 2026 Pzt, 10:00 tarihinde şunu\nyazdı:\n\n> old",
            "evet",
        ),
        (
            "Outlook, Turkish",
            "evet\n\nKimden: Ana <ana@example.org>\nGönderildi: 2 Kasım 2026 Pazartesi 10:00\nKime: Team\nKonu: x\n\nold",
            "evet",
        ),
        ("Gmail, Romanian", "da\n\nÎn lun., 2 nov. 2026 la 10:00, Ana Lee <ana@example.org> a\nscris:\n\n> old", "da"),
        (
            "Gmail, Greek",
            "ναι\n\nΣτις Δευ 2 Νοε 2026 στις 10:00 π.μ., ο χρήστης Ana Lee <\nana@example.org> έγραψε:\n\n> old",
            "ναι",
        ),
        (
            "Outlook, Greek",
            "ναι\n\nΑπό: Ana <ana@example.org>\nΣτάλθηκε: Δευτέρα, 2 Νοεμβρίου 2026 10:00\nΠρος: Team\nΘέμα: x\n\nold",
            "ναι",
        ),
        ("Gmail, Russian", "да\n\nпн, 2 нояб. 2026 г. в 10:00, Ana Lee <ana@example.org>:\n\n> old", "да"),
        (
            "mail.ru",
            "да\n\n\nПонедельник,  2 ноября 2026, 10:00 +03:00 от Ana Lee <ana@example.org>:\n\n>old\n>old",
            "да",
        ),
        ("Yandex", "да\n\n02.11.2026, 10:00, \"Ana Lee\" <ana@example.org>:\n\nold", "да"),
        (
            "Outlook, Russian",
            "да\n\nОт: Ana <ana@example.org>\nОтправлено: понедельник, 2 ноября 2026 г. 10:00\nКому: Team\nТема: x\n\nold",
            "да",
        ),
        ("Gmail, Ukrainian", "так\n\nпн, 2 лист. 2026 р. о 10:00 Ana Lee <ana@example.org> пише:\n\n> old", "так"),
        ("Gmail, Bulgarian", "да\n\nНа пн, 2.11.2026 г. в 10:00 Ana Lee <ana@example.org> написа:\n\n> old", "да"),
        ("Gmail, Croatian", "da\n\npon, 2. stu 2026. u 10:00 Ana Lee <ana@example.org> napisao je:\n\n> old", "da"),
        (
            "Gmail, Vietnamese",
            "vâng\n\nVào Th 2, 2 thg 11, 2026 vào lúc 10:00 Ana Lee <ana@example.org>\nđã viết:\n\n> old",
            "vâng",
        ),
        ("Gmail, Japanese", "はい\n\n2026年11月2日(月) 10:00 Ana Lee <ana@example.org>:\n\n> old", "はい"),
        (
            "Outlook, Japanese",
            "はい\n\n差出人: Ana <ana@example.org>\n送信日時: 2026年11月2日 10:00\n宛先: Team\n件名: x\n\nold",
            "はい",
        ),
        (
            "iPhone, Japanese",
            "はい\n\niPhoneから送信\n\n2026/11/02 10:00、Ana <ana@example.org>のメール:\n\n> old",
            "はい",
        ),
        (
            "QQ, Chinese",
            "好的\n\n\n------------------ 原始邮件 ------------------\n发件人: \"Ana\" <ana@example.org>;\n发送时间: 2026年11月2日(星期一) 上午10:00\n收件人: \"team\"<team@example.org>;\n主题: x\n\nold",
            "好的",
        ),
        (
            "QQ, English",
            "ok\n\n------------------&nbsp;Original&nbsp;------------------\nFrom: &nbsp;\"Ana\"<ana@example.org>;\nDate: &nbsp;Mon, Nov 2, 2026\nTo: team\nSubject: x\n\nold",
            "ok",
        ),
        ("Foxmail, Chinese", "好的\n\n发件人：Ana\n发送时间：2026-11-02 10:00\n收件人：team\n主题：x\nold", "好的"),
        ("163, Chinese", "好的\n\n在 2026-11-02 10:00:00，\"Ana\" <ana@example.org> 写道：\n\n>old", "好的"),
        (
            "Gmail, Traditional Chinese",
            "好\n\nAna Lee <ana@example.org> 於 2026年11月2日 週一 上午10:00寫道：\n\n> old",
            "好",
        ),
        ("Gmail, Korean", "네\n\n2026년 11월 2일 (월) 오전 10:00, Ana Lee <ana@example.org>님이 작성:\n\n> old", "네"),
        (
            "Outlook, Korean",
            "네\n\n보낸 사람: Ana <ana@example.org>\n보낸 날짜: 2026년 11월 2일 월요일 10:00\n받는 사람: Team\n제목: x\n\nold",
            "네",
        ),
        (
            "Gmail, Hebrew",
            "כן\n\n\u{202b}בתאריך יום ב׳, 2 בנוב׳ 2026 ב-10:00 מאת \u{202a}Ana\u{202c}\u{200f} <\u{202a}ana@example.org\u{202c}\u{200f}>:\u{202c}\n\n> old",
            "כן",
        ),
        (
            "Gmail, Arabic",
            "نعم\n\nفي الاثنين، ٢ نوفمبر ٢٠٢٦ في ١٠:٠٠ ص تمت كتابة ما يلي بواسطة Ana <ana@example.org>:\n\n> old",
            "نعم",
        ),
        (
            "Gmail, Catalan",
            "sí\n\nMissatge de Ana Lee <ana@example.org> del dia dl., 2 de nov.\n2026 a les 10:00:\n\n> old",
            "sí",
        ),
        (
            "Gmail, Indonesian",
            "ya\n\nPada tanggal Sen, 2 Nov 2026 pukul 10.00 Ana Lee <ana@example.org>\nmenulis:\n\n> old",
            "ya",
        ),
        ("Horde, German", "Zitat von Ana Lee <ana@example.org>:\n\n> old\n\nja", "ja"),
    ]);
}

#[test]
fn signatures_footers_and_notices() {
    let list = "_______________________________________________\nSecurity mailing list\nSecurity@lists.example.org\nhttps://lists.example.org/mailman/listinfo/security";
    let group = "-- \nYou received this message because you are subscribed to the Google Groups \"x\" group.\nTo unsubscribe from this group, send an email to x+unsubscribe@example.org.";
    let notice = "This e-mail and its attachments are confidential and intended solely for the addressee.\nIf you have received it in error, please notify the sender and delete it.";
    let german = "Diese E-Mail enthält vertrauliche Informationen. Wenn Sie nicht der richtige Empfänger sind oder diese E-Mail\nirrtümlich erhalten haben, informieren Sie bitte den Absender und vernichten Sie diese Mail.";
    let french = "Ce message est confidentiel et à l'usage exclusif de ses destinataires. Si vous l'avez reçu par erreur,\nmerci de le détruire et d'en avertir l'expéditeur.";
    for (name, end) in [
        ("Mailman", list),
        ("Google Groups", group),
        ("English notice", notice),
        ("German notice", german),
        ("French notice", french),
        ("a titled notice", &format!("CONFIDENTIALITY NOTICE:\n{notice}")),
        ("a notice between rules", &format!("{0}\n{notice}\n{0}", "-".repeat(60))),
        ("a notice between blank rules", &format!("{0}\n{notice}\n{0}", "* ".repeat(20))),
        (
            "Avast",
            "Virus-free. www.avast.com <https://www.avast.com/sig-email?utm=x>\n<#DAB4FAD8-2DD7-40BB-A1B8-4E2AA1F9FDF2>",
        ),
        (
            "Avast, German",
            "---\nDiese E-Mail wurde von Avast Antivirus-Software auf Viren geprüft.\nhttps://www.avast.com/antivirus",
        ),
        ("paper", "Please consider the environment before printing this e-mail."),
        ("tracker", "---\nReply to this email directly or view it online: https://tracker.example.org/1"),
        ("unsubscribe", "Unsubscribe: mailto:list@example.org\n or https://lists.example.org/u"),
        ("separator", "-- \nAna Lee\nExample Org"),
        ("separator without its blank", "--\nAna Lee"),
        ("a rule and a card", "---\nAna Lee\nana@example.org\n+49 30 1234567"),
        ("Windows", "Sent from Mail<https://go.example.org/?LinkId=1> for Windows"),
        ("Android, Spanish", "Enviado desde mi dispositivo Samsung"),
        ("Android, Dutch", "Verstuurd vanaf mijn Samsung-apparaat"),
        ("iPhone, Chinese", "发自我的iPhone"),
        ("iPhone, Korean", "나의 iPhone에서 보냄"),
        ("iPhone, Russian", "Отправлено с iPhone"),
        ("iPhone, Czech", "Odesláno z iPhonu"),
        ("iPhone, Finnish", "Lähetetty iPhonesta"),
        ("iPhone, Turkish", "iPhone'umdan gönderildi"),
        ("iPhone, Vietnamese", "Đã gửi từ iPhone của tôi"),
    ] {
        let got = own_text(&format!("A report.\n\nMore of it.\n\n{end}\n"));
        assert_eq!(got.text, "A report.\n\nMore of it.", "{name}");
        assert!(got.quoted.is_empty() && got.signature.is_some(), "{name}");
    }
}

#[test]
fn reports_keep_their_words() {
    for (name, text) in [
        ("Markdown", "# Title\n\n## Impact\n---\nHigh\n\n---\n\n## Steps\n\n1. Open https://example.org/a\n2. Look"),
        ("a request", "I send\n\nFrom: x\nTo: y\nSubject: z\n\nand the server crashes."),
        ("HTTP", "GET / HTTP/1.1\nHost: example.org\nFrom: a@example.org\nDate: today\n\nanswers 500"),
        ("a log", "2026-11-02 10:00:03 daemon: started\n2026-11-02 10:00:04 daemon: user@example.org:\nlost"),
        ("a prompt", "mysql> select 1\nmysql> select 2\nC:\\> dir"),
        ("a table", "| a | b |\n| --- | --- |\n| 1 | 2 |"),
        ("virus in prose", "The scanner is confidential about nothing.\n\nA virus may be sent in a message."),
        ("a short notice", "This is confidential."),
        (
            "a notice alone",
            "This message is confidential and intended only for the addressee. Do not tell anybody who is not, please; delete it by mistake never.",
        ),
        ("said", "On 2 Nov 2026 the vendor said:\n\nwe will not fix it"),
        ("a quote of nobody", "He told me: wrote\nthe file"),
        (
            "dashes",
            "before\n----------------\nafter, with a sentence that is longer than any line of a signature would be, and goes on",
        ),
        ("sent", "The token is\nsent from the browser to the endpoint without a check."),
    ] {
        let got = own_text(text);
        assert_eq!(got.text, text, "{name}");
        assert_eq!(got.reply, text, "{name}");
    }
}

#[test]
fn the_reply_shows_what_it_answers_and_nothing_more() {
    let attribution = "On Mon, 2 Nov 2026 at 10:00, Ana <ana@example.org> wrote:";
    for (name, text, reply) in [
        ("above", format!("yes\n\n{attribution}\n> old"), "yes"),
        ("below", format!("{attribution}\n> old\n\nyes"), "yes"),
        ("between", format!("{attribution}\n> one\n\nyes\n\n> two\n\nno\n\n> rest"), "> one\n\nyes\n\n> two\n\nno"),
        ("no attribution", "> one\n\nyes".to_owned(), "> one\n\nyes"),
        ("above and below", format!("hello\n\n{attribution}\n> old\n\nbye"), "hello\n\nbye"),
        ("no own word, no mark", format!("{attribution}\n\nold\n\nolder"), "old\n\nolder"),
        ("no own word, marks", format!("{attribution}\n> old"), ""),
        (
            "nothing but a forwarded mail",
            "---------- Forwarded message ---------\nFrom: A <a@b.org>\nDate: today\nSubject: x\nTo: t\n\nold"
                .to_owned(),
            "old",
        ),
        ("a phone's line and a quote", format!("Sent from my iPhone\n\n{attribution}\n\nold"), ""),
        ("HTML", "> On Mon, 2 Nov 2026 at 10:00, Ana <ana@example.org>\n> wrote:\n\n> old\n\nyes".to_owned(), "yes"),
    ] {
        assert_eq!(own_text(&text).reply, reply, "{name}");
    }
}

#[test]
fn the_closing_is_told_from_the_reply() {
    let got = own_text(
        "Please look at it.\n\nThank you,\nAna\n\nSent from my iPhone\n\nOn 2 Nov 2026, at 10:00, B <b@b.org> wrote:\n> old",
    );
    assert_eq!(
        (got.text.as_str(), got.reply.as_str()),
        ("Please look at it.\n\nThank you,\nAna", "Please look at it.\n\nThank you,\nAna")
    );
    assert_eq!(got.unsigned, "Please look at it.");
    assert_eq!(got.closing.as_deref(), Some("Thank you,\nAna\n\nSent from my iPhone"));
    let got = own_text("Please look at it.\n\n-- \nAna\nExample Org");
    assert_eq!((got.unsigned.as_str(), got.closing.as_deref()), ("Please look at it.", Some("--\nAna\nExample Org")));
    assert_eq!(own_text("Please look at it.").closing, None);
}

#[test]
fn a_command_is_never_taken_for_a_signature_or_lost_above_one() {
    for text in ["!ack\n\nThanks,\nAna", "text\n\n!ack\n-- \nAna", "!ack\n\n---\nAna\nana@example.org"] {
        assert!(own_text(text).text.contains("!ack"), "{text:?}");
    }
}

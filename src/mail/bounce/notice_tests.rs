//! Proves that recipients, codes and delays are found in the notices of mail hosts of many makes and languages.

use super::super::{Action, parse};
use crate::domain::id::Address;
use crate::mail::parse::{Limits, parse as parse_mail};

/// What a notice should say: its name, sender, subject, text, then address, status, reply code.
type Case = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str, u16);

const FAILED: &[Case] = &[
    (
        "postfix",
        "MAILER-DAEMON@mx.example (Mail Delivery System)",
        "Undelivered Mail Returned to Sender",
        "This is the mail system at host mx.example.\n\nI'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients. It's attached below.\n\n                   The mail system\n\n<ana@there.example>: host mail.there.example[192.0.2.9] said: 550 5.1.1\n    <ana@there.example>: Recipient address rejected: User unknown (in reply to\n    RCPT TO command)\n",
        "ana@there.example",
        "5.1.1",
        550,
    ),
    (
        "sendmail",
        "Mail Delivery Subsystem <MAILER-DAEMON@mx.example>",
        "Returned mail: see transcript for details",
        "The original message was received at Mon, 2 Mar 2026 10:00:00 +0100\nfrom localhost [127.0.0.1]\n\n   ----- The following addresses had permanent fatal errors -----\n<ana@there.example>\n    (reason: 550 5.7.1 Denied)\n\n   ----- Transcript of session follows -----\n... while talking to mail.there.example.:\n>>> DATA\n<<< 550 5.7.1 Denied\n554 5.0.0 Service unavailable\n",
        "ana@there.example",
        "5.7.1",
        550,
    ),
    (
        "qmail",
        "MAILER-DAEMON@mx.example",
        "failure notice",
        "Hi. This is the qmail-send program at mx.example.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<ana@there.example>:\n192.0.2.9 does not like recipient.\nRemote host said: 553 sorry, no mailbox here by that name (#5.1.1)\nGiving up on 192.0.2.9.\n\n--- Below this line is a copy of the message.\n\nReturn-Path: <x@ours.example>\nTo: other@there.example\n",
        "ana@there.example",
        "5.1.1",
        553,
    ),
    (
        "exim",
        "Mail Delivery System <Mailer-Daemon@mx.example>",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  ana@there.example\n    host mail.there.example [192.0.2.9]\n    SMTP error from remote mail server after RCPT TO:<ana@there.example>:\n    550 5.4.1 Recipient address rejected: Access denied\n\n------ This is a copy of the message, including all the headers. ------\n\nTo: other@there.example\n",
        "ana@there.example",
        "5.4.1",
        550,
    ),
    (
        "exim without a name",
        "Mail Delivery System <Mailer-Daemon@mx.example>",
        "Mail delivery failed: returning message to sender",
        "A message that you sent could not be delivered to one or more of its\nrecipients. The following address(es) failed:\n\n  an undisclosed address\n    (generated from ana@there.example)\n    mailbox is full: retry timeout exceeded\n",
        "ana@there.example",
        "5.2.2",
        0,
    ),
    (
        "courier",
        "\"Courier mail server at mx.example\" <MAILER-DAEMON@mx.example>",
        "NOTICE: mail delivery status.",
        "This is a delivery status notification from mx.example,\nrunning the Courier mail server.\n\nThe original message was received on Mon, 2 Mar 2026\n\n---------------------------------------------------------------------------\n\n                           UNDELIVERABLE MAIL\n\nYour message to the following recipients cannot be delivered:\n\n<ana@there.example>:\n    mail.there.example [192.0.2.9]:\n>>> RCPT TO:<ana@there.example>\n<<< 550 User unknown\n",
        "ana@there.example",
        "5.1.1",
        550,
    ),
    (
        "exchange 5.5",
        "System Administrator <postmaster@there.example>",
        "Undeliverable: Your report",
        "Your message\n\n  To:      Ana Example; Bo Example\n  Subject: Your report\n  Sent:    Mon, 2 Mar 2026 10:00:00 +0100\n\ndid not reach the following recipient(s):\n\nana@there.example on Mon, 2 Mar 2026 10:00:05 +0100\n    The recipient name is not recognized\n\tThe MTS-ID of the original message is: c=us;a= ;p=there;l=MX0101\n    MSEXCH:IMS:THERE:HQ:MX 0 (000C05A6) Unknown Recipient\n",
        "ana@there.example",
        "5.1.1",
        0,
    ),
    (
        "exchange 2003",
        "System Administrator <postmaster@there.example>",
        "Undeliverable: Your report",
        "Your message did not reach some or all of the intended recipients.\n\n      Subject:\tYour report\n      Sent:\t3/2/2026 10:00 AM\n\nThe following recipient(s) could not be reached:\n\n      'ana@there.example' on 3/2/2026 10:00 AM\n            The e-mail account does not exist at the organization this message was sent to.\n            <mx.example #5.1.1>\n",
        "ana@there.example",
        "5.1.1",
        0,
    ),
    (
        "exchange 2007",
        "Microsoft Exchange <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@there.example>",
        "Undeliverable: Your report",
        "Delivery has failed to these recipients or distribution lists:\n\nana@there.example<mailto:ana@there.example>\nThe recipient's e-mail address was not found in the recipient's e-mail system.\n\nDiagnostic information for administrators:\n\nGenerating server: mx.there.example\n\nana@there.example\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n\nOriginal message headers:\n\nReceived: from a\nTo: other@there.example\n",
        "ana@there.example",
        "5.1.1",
        550,
    ),
    (
        "exchange 2013",
        "postmaster@there.example",
        "Undeliverable: Your report",
        "Delivery has failed to these recipients or groups:\n\nAna Example (ana@there.example)<mailto:ana@there.example>\nYour message wasn't delivered because the recipient's email provider rejected it.\n\nDiagnostic information for administrators:\nana@there.example\nRemote Server returned '554 5.7.0 < #5.7.133 SMTP; 550 5.7.133 RESOLVER.RST.SenderNotAuthenticatedForGroup>'\n",
        "ana@there.example",
        "5.7.0",
        554,
    ),
    (
        "office 365",
        "Microsoft Outlook <postmaster@there.example>",
        "Undeliverable: Your report",
        "Your message to ana@there.example couldn't be delivered.\nana wasn't found at there.example.\n\nsecurity Office 365 ana\nAction Required Recipient\nUnknown To address\n\nError Details\nReported error: 550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient ana@there.example not found by SMTP address lookup\n",
        "ana@there.example",
        "5.1.10",
        550,
    ),
    (
        "exchange in german",
        "Microsoft Outlook <postmaster@there.example>",
        "Unzustellbar: Ihr Bericht",
        "Fehler bei der Nachrichtenzustellung an folgende Empfänger oder Gruppen:\n\nana@there.example\nDie Nachricht konnte nicht zugestellt werden. Die eingegebene Adresse existiert nicht.\n\nDiagnoseinformationen für Administratoren:\n\nana@there.example\nRemote Server returned '550 5.1.1 unbekannt'\n",
        "ana@there.example",
        "5.1.1",
        550,
    ),
    (
        "iis smtp",
        "postmaster@there.example",
        "Delivery Status Notification (Failure)",
        "This is an automatically generated Delivery Status Notification.\n\nDelivery to the following recipients failed.\n\n       ana@there.example\n\n",
        "ana@there.example",
        "",
        0,
    ),
    (
        "gmail, old",
        "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        "Delivery Status Notification (Failure)",
        "Delivery to the following recipient failed permanently:\n\n     ana@there.example\n\nTechnical details of permanent failure: \nGoogle tried to deliver your message, but it was rejected by the server for the recipient domain there.example by mail.there.example. [192.0.2.9].\n\nThe error that the other server returned was:\n550 5.1.1 unknown\n\n----- Original message -----\n\nTo: other@there.example\n",
        "ana@there.example",
        "5.1.1",
        550,
    ),
    (
        "gmail, new",
        "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        "Delivery Status Notification (Failure)",
        "\n** Address not found **\n\nYour message wasn't delivered to ana@there.example because the address couldn't be found, or is unable to receive mail.\n\nLearn more here: https://support.google.com/mail/?p=NoSuchUser\n\nThe response was:\n\n550 5.1.1 The email account that you tried to reach does not exist.\n",
        "ana@there.example",
        "5.1.1",
        550,
    ),
    (
        "yahoo",
        "MAILER-DAEMON@yahoo.com",
        "Failure Notice",
        "Sorry, we were unable to deliver your message to the following address.\n\n<ana@there.example>:\nRemote host said:\n554 delivery error: dd This user doesn't have a there.example account (ana@there.example) [0]\n\n--- Below this line is a copy of the message.\n\nReceived: from x\n",
        "ana@there.example",
        "5.1.1",
        554,
    ),
    (
        "1&1 and gmx",
        "\"GMX Mailer Daemon\" <mailer-daemon@gmx.de>",
        "Mail delivery failed: returning message to sender",
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of\nits recipients. This is a permanent error. The following address(es)\nfailed:\n\nana@there.example:\nSMTP error from remote server for RCPT TO command, host: mail.there.example (192.0.2.9) reason: 550 5.1.1 Account unavailable\n\n--- The header of the original message is following. ---\n\nReceived: from x\nTo: other@there.example\n",
        "ana@there.example",
        "5.1.1",
        550,
    ),
    (
        "domino",
        "Postmaster@there.example",
        "DELIVERY FAILURE: User ana (ana@there.example) not listed in Domino Directory",
        "Your message\n\n  Subject: Your report\n\nwas not delivered to:\n\n  ana@there.example\n\nbecause:\n\n  User ana (ana@there.example) not listed in Domino Directory\n",
        "ana@there.example",
        "5.1.1",
        0,
    ),
    (
        "groupwise",
        "Mailer-Daemon@there.example",
        "Message status - undeliverable",
        "The message that you sent was undeliverable to the following:\n\tana@there.example (user not found)\n",
        "ana@there.example",
        "5.1.1",
        0,
    ),
    (
        "imail",
        "\"Postmaster\" <postmaster@there.example>",
        "Undeliverable Mail",
        "User mailbox exceeds allowed size: ana@there.example\n\nOriginal message follows.\n\nReceived: from x\n",
        "ana@there.example",
        "5.2.2",
        0,
    ),
    (
        "mdaemon",
        "MDaemon@there.example",
        "Permanent Delivery Failure",
        "The attached message had PERMANENT fatal delivery errors!\n\nYOUR MESSAGE WAS NOT DELIVERED!\n\nThe following addresses did NOT receive a copy of your message:\n\n> ana@there.example\n\n--- Session Transcript ---\n <-- 550 <ana@there.example>, Recipient unknown\n --> QUIT\n",
        "ana@there.example",
        "5.1.1",
        550,
    ),
    (
        "mercury",
        "\"Electronic Postmaster\" <postmaster@there.example>",
        "Postmaster notify: delivery failure",
        "Your message could not be delivered to the following address:\n\n   *** ana@there.example\n       500-type error: [552] mailbox full\n\n",
        "ana@there.example",
        "5.2.2",
        552,
    ),
    (
        "hmailserver",
        "mailer-daemon@there.example",
        "Message undeliverable: Your report",
        "Your message did not reach some or all of the intended recipients.\n\n   Sent: Mon, 2 Mar 2026 10:00:00 +0100\n   Subject: Your report\n\nThe following recipient(s) could not be reached:\n\nana@there.example\n   Error Type: SMTP\n   Remote server replied: 550 5.1.1 unknown\n\nhMailServer\n",
        "ana@there.example",
        "5.1.1",
        550,
    ),
    (
        "communigate",
        "Mail Delivery Service <postmaster@there.example>",
        "Delivery Status Notification",
        " - These recipients of your message have been processed by the mail server:\nana@there.example; Failed; 5.1.1 (bad destination mailbox address)\n\n    Remote MTA mail.there.example: SMTP diagnostic: 550 No such user\n",
        "ana@there.example",
        "5.1.1",
        550,
    ),
    (
        "aol",
        "Mail Delivery Subsystem <MAILER-DAEMON@aol.example>",
        "Mail Delivery Problem",
        "Your mail to the following recipients could not be delivered because\nthey are not accepting mail from bo@there.example:\n\n\tana\n",
        "ana@aol.example",
        "5.7.1",
        0,
    ),
    (
        "mail.ru",
        "Mail Delivery System <Mailer-Daemon@mail.ru>",
        "Ваше сообщение не доставлено. Mail failure.",
        "Это письмо создано автоматически сервером Mail.Ru, отвечать на него не нужно.\n\nК сожалению, Ваше письмо не может быть доставлено одному или нескольким получателям:\n\nana@there.example\n    user not found\n",
        "ana@there.example",
        "5.1.1",
        0,
    ),
    (
        "qq",
        "postmaster@qq.com",
        "系统退信/Systems bounce",
        "抱歉，您的邮件被退回来了……\n原邮件信息：\n收件人：ana@there.example\n退信原因：收件人邮件地址不存在，邮件无法送达。 host there.example said: 550 User not found\n",
        "ana@there.example",
        "5.1.1",
        550,
    ),
    (
        "163",
        "Postmaster@163.com",
        "系统退信",
        "抱歉，您的邮件被退回来了……\n\n收件人邮件地址（ana@there.example）不存在，邮件无法送达。\n",
        "ana@there.example",
        "5.1.1",
        0,
    ),
    (
        "japanese host",
        "MAILER-DAEMON@there.example",
        "配信エラー",
        "次の宛先にメールを配信できませんでした。\n\n<ana@there.example>:\n550 宛先が存在しません\n",
        "ana@there.example",
        "5.1.1",
        550,
    ),
    (
        "french host",
        "postmaster@there.example",
        "Non remis : Votre rapport",
        "Votre message n'a pas pu être remis aux destinataires suivants :\n\nana@there.example\nUtilisateur inconnu\n",
        "ana@there.example",
        "5.1.1",
        0,
    ),
    (
        "spanish host",
        "postmaster@there.example",
        "No se puede entregar: informe",
        "No se pudo entregar el mensaje a estos destinatarios:\n\nana@there.example\nusuario desconocido\n",
        "ana@there.example",
        "5.1.1",
        0,
    ),
    (
        "polish host",
        "MAILER-DAEMON@there.example",
        "Niedostarczone: raport",
        "Wiadomość nie mogła zostać dostarczona do następujących odbiorców:\n\nana@there.example\n",
        "ana@there.example",
        "",
        0,
    ),
    (
        "lsoft",
        "\"LSMTP for Windows NT\" <postmaster@there.example>",
        "Undelivered mail",
        "An error was detected while processing the enclosed message.  A list of\nthe affected recipient follows.\n\nError-for:  ana@there.example\nError-Code: 0\nError-Text: Mailer mail.there.example said: \"554 Message looping\"\n",
        "ana@there.example",
        "5.4.6",
        554,
    ),
    (
        "netscape",
        "Mail Administrator <Postmaster@there.example>",
        "Mail System Error - Returned Mail",
        "This Message was undeliverable due to the following reason:\n\nEach of the following recipients was rejected by a remote mail server.\n\n    Recipient: <ana@there.example>\n    Reason:    5.1.1 <ana@there.example>... User unknown\n\n\nPlease reply to <Postmaster@there.example>\nif you feel this message to be in error.\n",
        "ana@there.example",
        "5.1.1",
        0,
    ),
    (
        "sun",
        "Internet Mail Delivery <postmaster@there.example>",
        "Delivery Notification: Delivery has failed",
        "This report relates to a message you sent with the following header fields:\n\n  Message-id: <ours@ours.example>\n  Date: Mon, 2 Mar 2026 10:00:00 +0100\n  To: list@there.example\n  Subject: Your report\n\nYour message cannot be delivered to the following recipients:\n\n  Recipient address: ana@there.example\n  Reason: Remote SMTP server has rejected address\n  Diagnostic code: smtp;550 5.1.1 User unknown\n",
        "ana@there.example",
        "5.1.1",
        550,
    ),
    (
        "amazon ses",
        "MAILER-DAEMON@eu-west-1.amazonses.com",
        "Delivery Status Notification (Failure)",
        "An error occurred while trying to deliver the mail to the following recipients:\nana@there.example\n",
        "ana@there.example",
        "",
        0,
    ),
    (
        "mailgun and sendgrid",
        "MAILER-DAEMON@there.example",
        "Undelivered Mail Returned to Sender",
        "This is an automatically generated message from SendGrid.\n\nI'm sorry to have to tell you that your message was not able to be delivered to one of its intended recipients.\n\nIf you require assistance with this, please contact SendGrid support.\n\nshells:ana@there.example:192.0.2.9:550 5.1.1 unknown\n\nana@there.example\n",
        "ana@there.example",
        "5.1.1",
        550,
    ),
    (
        "mimecast",
        "Postmaster <postmaster@there.example>",
        "[Postmaster] Email Delivery Failure",
        "This is a delivery failure notification message indicating that an email you addressed to email address :\n-- ana@there.example\n\ncould not be delivered. The problem appears to be :\n-- Recipient email server rejected the message\n\nAdditional information follows :\n-- 550 5.1.1 User unknown\n\nThis condition occurred after 1 attempt(s) to deliver over a period of 0 hour(s).\n",
        "ana@there.example",
        "5.1.1",
        550,
    ),
    (
        "barracuda and proofpoint",
        "Mail Delivery System <MAILER-DAEMON@there.example>",
        "**Message you sent blocked by our bulk email filter**",
        "Your message to: ana@there.example\nwas blocked by our Spam Firewall. The email you sent with the following subject has NOT BEEN DELIVERED:\n\nSubject: Your report\n",
        "ana@there.example",
        "5.7.1",
        0,
    ),
    (
        "lyris and old gateways",
        "<E500_SMTP_Mail_Service@there.example>",
        "Returned Mail - Error During Delivery",
        "------ Failed Recipients ------\n<ana@there.example>: Requested action not taken: mailbox unavailable. [SMTP Error Code 550]\n\n-------- Returned Mail --------\nReceived: from x\n",
        "ana@there.example",
        "5.1.1",
        550,
    ),
    (
        "compuserve",
        "Electronic Postmaster <POSTMASTER@compuserve.example>",
        "Undeliverable message",
        "Receiver not found: ana\n\nYour message could not be delivered as addressed to the following:\n\n\tana@there.example\n\n--- Returned message ---\n\nTo: other@there.example\n",
        "ana@there.example",
        "",
        0,
    ),
    (
        "scanner of a gateway",
        "imss@there.example",
        "Mail could not be delivered",
        "****** Message from InterScan Messaging Security Suite ******\n\nSent <<< RCPT TO:<ana@there.example>\nReceived >>> 550 5.1.1 unknown user.\n\nUnable to deliver message to <ana@there.example>.\n\n****** End of message ******\n",
        "ana@there.example",
        "5.1.1",
        550,
    ),
];

const DELAYED: &[(&str, &str, &str, &str, &str)] = &[
    (
        "postfix",
        "MAILER-DAEMON@mx.example",
        "Delayed Mail (still being retried)",
        "####################################################################\n# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #\n####################################################################\n\nYour message could not be delivered for more than 4 hour(s).\nIt will be retried until it is 5 day(s) old.\n\n<ana@there.example>: connect to mail.there.example[192.0.2.9]:25: Connection\n    timed out\n",
        "4.4.1",
    ),
    (
        "exim",
        "Mail Delivery System <Mailer-Daemon@mx.example>",
        "Warning: message 1abc delayed 24 hours",
        "A message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on the queue on mx.example.\n\nThe address to which the message has not yet been delivered is:\n\n  ana@there.example\n    host mail.there.example: 451 4.7.1 Greylisted\n\nNo action is required on your part. Delivery attempts will continue for\nsome time.\n",
        "4.7.1",
    ),
    (
        "sendmail",
        "Mail Delivery Subsystem <MAILER-DAEMON@mx.example>",
        "Warning: could not send message for past 4 hours",
        "    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY      **\n    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **\n    **********************************************\n\n   ----- The following addresses had transient non-fatal errors -----\n<ana@there.example>\n\n   ----- Transcript of session follows -----\n<ana@there.example>... Deferred: Connection timed out with mail.there.example.\nWarning: message still undelivered after 4 hours\nWill keep trying until message is 5 days old\n",
        "4.4.1",
    ),
    (
        "gmail",
        "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        "Delivery Status Notification (Delay)",
        "** Delivery incomplete **\n\nThere was a temporary problem delivering your message to ana@there.example. Gmail will retry for 47 more hours. You'll be notified if the delivery fails permanently.\n\nThe response was: 451 4.3.0 later\n",
        "4.3.0",
    ),
    (
        "german",
        "postmaster@there.example",
        "Zustellung verzögert: Unzustellbar bisher",
        "Ihre Nachricht wurde noch nicht zugestellt. Es wird weiterhin versucht:\n\nana@there.example\n",
        "",
    ),
];

fn mail(from: &str, subject: &str, text: &str) -> Vec<u8> {
    format!("From: {from}\nTo: security+b.x.y@ours.example\nSubject: {subject}\nContent-Type: text/plain; charset=utf-8\n\n{text}").into_bytes()
}

#[test]
fn failures_of_many_hosts_are_read() {
    let mut wrong = Vec::new();
    for (name, from, subject, text, address, status, code) in FAILED {
        let read = parse(&parse_mail(&mail(from, subject, text), &Limits::default()));
        let Some(report) = read else {
            wrong.push(format!("{name}: no report"));
            continue;
        };
        let all: Vec<_> = report.recipients.iter().filter_map(|r| r.address.as_ref()).map(Address::as_str).collect();
        if all != [*address] {
            wrong.push(format!("{name}: {all:?}"));
            continue;
        }
        let found = &report.recipients[0];
        let seen = (found.action, found.permanent, found.status.as_deref().unwrap_or(""), found.smtp_code.unwrap_or(0));
        if seen != (Action::Failed, true, status, *code) {
            wrong.push(format!("{name}: {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn delays_are_not_taken_for_failures() {
    let mut wrong = Vec::new();
    for (name, from, subject, text, status) in DELAYED {
        let read = parse(&parse_mail(&mail(from, subject, text), &Limits::default()));
        let found = read.as_ref().and_then(|report| report.recipients.first());
        let seen = found.map(|r| {
            (r.address.as_ref().map(Address::as_str), r.action, r.permanent, r.status.as_deref().unwrap_or(""))
        });
        if seen != Some((Some("ana@there.example"), Action::Delayed, false, *status)) {
            wrong.push(format!("{name}: {seen:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

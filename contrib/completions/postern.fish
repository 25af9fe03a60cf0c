# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_postern_global_optspecs
    string join \n h/help V/version
end

function __fish_postern_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_postern_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_postern_using_subcommand
    set -l cmd (__fish_postern_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c postern -n "__fish_postern_needs_command" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_needs_command" -s V -l version -d 'Print version'
complete -c postern -n "__fish_postern_needs_command" -f -a "demo" -d 'Play a story without any server or set-up, and leave its mails and its advisory in a folder'
complete -c postern -n "__fish_postern_needs_command" -f -a "init" -d 'Make settings, keys and database for a new address, and say what to do next'
complete -c postern -n "__fish_postern_needs_command" -f -a "check" -d 'Try settings, keys, store and servers, and say of each whether it is well or what to do'
complete -c postern -n "__fish_postern_needs_command" -f -a "run" -d 'Run the daemon'
complete -c postern -n "__fish_postern_needs_command" -f -a "ingest" -d 'Store mails from files: .eml, mbox, Maildir, or standard input'
complete -c postern -n "__fish_postern_needs_command" -f -a "explain" -d 'Tell what postern sees in mails, and why, without storing anything'
complete -c postern -n "__fish_postern_needs_command" -f -a "case" -d 'Look at cases: list them, show one, print its journal, search'
complete -c postern -n "__fish_postern_needs_command" -f -a "quarantine" -d 'Look at mail that was put aside or is held, and decide it again'
complete -c postern -n "__fish_postern_needs_command" -f -a "outbox" -d 'Look at outgoing mail, try it again, or hold it'
complete -c postern -n "__fish_postern_needs_command" -f -a "manual" -d 'Print the manual page or a shell\'s completions'
complete -c postern -n "__fish_postern_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c postern -n "__fish_postern_using_subcommand demo" -l dir -d 'Folder to leave everything in; made anew if it is missing, refused if it holds anything' -r -F
complete -c postern -n "__fish_postern_using_subcommand demo" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand init" -l dir -d 'Folder for settings, keys and certificates' -r -F
complete -c postern -n "__fish_postern_using_subcommand init" -l config -d 'Settings file to make, instead of DIR/postern.toml; keys lie beside it' -r -F
complete -c postern -n "__fish_postern_using_subcommand init" -l state-dir -d 'Folder of the daemon, for the database' -r -F
complete -c postern -n "__fish_postern_using_subcommand init" -l address -d 'Address that reports are sent to' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l project -d 'The project\'s name as people read it' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l name -d 'Short name of the instance, never to be changed: lower-case letters, digits and hyphens' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l case-prefix -d '2 to 10 capital letters before a case\'s number' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l imap-host -d 'Host of the mailbox, as HOST or HOST:PORT' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l imap-port -d 'Port, where it is not the usual one' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l imap-security -d 'Protection of the connection' -r -f -a "tls\t'TLS from the first byte'
starttls\t'TLS after a command'
plain\t'None, to this machine only'"
complete -c postern -n "__fish_postern_using_subcommand init" -l imap-user -d 'Name to log in with; the address, if not given' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l imap-password-file -d 'File with the password; copied into DIR as imap.password if it lies elsewhere' -r -F
complete -c postern -n "__fish_postern_using_subcommand init" -l imap-password-command -d 'Command that prints the password: words, run without a shell' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l imap-token-command -d 'Command that prints an OAuth token: words, run without a shell' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l maildir -d 'Maildir on this machine instead of an IMAP server; made if it is missing' -r -F
complete -c postern -n "__fish_postern_using_subcommand init" -l smtp-host -d 'Mail server that takes our mail, as HOST or HOST:PORT' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l smtp-port -d 'Port, where it is not the usual one' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l smtp-security -d 'Protection of the connection' -r -f -a "tls\t'TLS from the first byte'
starttls\t'TLS after a command'
plain\t'None, to this machine only'"
complete -c postern -n "__fish_postern_using_subcommand init" -l smtp-user -d 'Name to log in with; the same as for IMAP, if a password is given and no name' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l smtp-password-file -d 'File with the password; copied into DIR as smtp.password if it lies elsewhere' -r -F
complete -c postern -n "__fish_postern_using_subcommand init" -l smtp-password-command -d 'Command that prints the password: words, run without a shell' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l smtp-token-command -d 'Command that prints an OAuth token: words, run without a shell' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l outbox -d 'Folder that gets one file for each mail, instead of a mail server; made if it is missing' -r -F
complete -c postern -n "__fish_postern_using_subcommand init" -l ca-file -d 'PEM file of the authorities to trust instead of the system\'s' -r -F
complete -c postern -n "__fish_postern_using_subcommand init" -l member -d 'Member of the team, the first one leads it: "Name <address> [fingerprint]". May be repeated' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l certificates -d 'Files with certificates of members and other people, to be copied and pinned' -r -F
complete -c postern -n "__fish_postern_using_subcommand init" -l clear -d 'Who may be written to in clear text: team, reporter, maintainer, stakeholder, or none; with commas' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l site -d 'Folder of a web server, for the pages of advisories; made if it is missing' -r -F
complete -c postern -n "__fish_postern_using_subcommand init" -l base-url -d 'Address of that folder on the web' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l settle -d 'What happens to stored mail on the server: moved away, or kept for people who read there too' -r -f -a "move\t'It moves to the archive folder'
keep\t'It stays and gets a keyword'"
complete -c postern -n "__fish_postern_using_subcommand init" -l list -d 'Mailing list that advisories go to' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l authserv-id -d 'Name that the mail host writes first into Authentication-Results. May be repeated' -r
complete -c postern -n "__fish_postern_using_subcommand init" -l yes -d 'Ask nothing: take the defaults, and refuse where there is none'
complete -c postern -n "__fish_postern_using_subcommand init" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand check" -l config -d 'Settings file' -r -F
complete -c postern -n "__fish_postern_using_subcommand check" -l roundtrip -d 'Mail itself through each relay and say what the mail host keeps; takes at most a minute a relay'
complete -c postern -n "__fish_postern_using_subcommand check" -l json -d 'One JSON object a line: area, level and text'
complete -c postern -n "__fish_postern_using_subcommand check" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand run" -l config -d 'Settings file' -r -F
complete -c postern -n "__fish_postern_using_subcommand run" -l adopt -d 'What to do with mail that lay in the inbox before the first start' -r -f -a "quiet\t'Open cases, send no acknowledgements'
ack\t'Open cases and acknowledge'
ignore\t'Store it and put it aside'"
complete -c postern -n "__fish_postern_using_subcommand run" -l once -d 'Do everything that is due, then end'
complete -c postern -n "__fish_postern_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c postern -n "__fish_postern_using_subcommand ingest" -l config -d 'Settings file' -r -F
complete -c postern -n "__fish_postern_using_subcommand ingest" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand explain" -l keys -d 'Folder of public and secret keys, armored or binary; its file `passphrases` has one passphrase a line' -r -F
complete -c postern -n "__fish_postern_using_subcommand explain" -l json -d 'One JSON object for each file, on a line of its own'
complete -c postern -n "__fish_postern_using_subcommand explain" -l body -d 'Take every file for the text of a mail without its header block; by itself that is done where there is none'
complete -c postern -n "__fish_postern_using_subcommand explain" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand case; and not __fish_seen_subcommand_from list show log search help" -l config -d 'Settings file' -r -F
complete -c postern -n "__fish_postern_using_subcommand case; and not __fish_seen_subcommand_from list show log search help" -l json -d 'One JSON object a line, for programs'
complete -c postern -n "__fish_postern_using_subcommand case; and not __fish_seen_subcommand_from list show log search help" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand case; and not __fish_seen_subcommand_from list show log search help" -f -a "list" -d 'List open cases, those whose next clock is due first on top'
complete -c postern -n "__fish_postern_using_subcommand case; and not __fish_seen_subcommand_from list show log search help" -f -a "show" -d 'Show one case: states, parties, clocks, mails, outgoing mail'
complete -c postern -n "__fish_postern_using_subcommand case; and not __fish_seen_subcommand_from list show log search help" -f -a "log" -d 'Print the journal of one case'
complete -c postern -n "__fish_postern_using_subcommand case; and not __fish_seen_subcommand_from list show log search help" -f -a "search" -d 'Find mails that have all these words in subject or text, newest first'
complete -c postern -n "__fish_postern_using_subcommand case; and not __fish_seen_subcommand_from list show log search help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from list" -l state -d 'Only cases in this state: received, invalid, valid, accepted, deferred or closed' -r
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from list" -l owner -d 'Only cases of this member, by name or address; or of nobody' -r
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from list" -l config -d 'Settings file' -r -F
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from list" -l all -d 'Closed ones too'
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from list" -l unacknowledged -d 'Only cases whose reporter was sent no automatic acknowledgement, with the reason'
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from list" -l json -d 'One JSON object a line, for programs'
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from show" -l mail -d 'Print the text of this mail of the case instead' -r
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from show" -l config -d 'Settings file' -r -F
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from show" -l json -d 'One JSON object a line, for programs'
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from log" -l config -d 'Settings file' -r -F
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from log" -l verify -d 'Follow the chain of the whole journal too; fails where it is broken'
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from log" -l json -d 'One JSON object a line, for programs'
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from log" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from search" -l limit -d 'At most so many mails' -r
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from search" -l config -d 'Settings file' -r -F
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from search" -l json -d 'One JSON object a line, for programs'
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from search" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from help" -f -a "list" -d 'List open cases, those whose next clock is due first on top'
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one case: states, parties, clocks, mails, outgoing mail'
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from help" -f -a "log" -d 'Print the journal of one case'
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from help" -f -a "search" -d 'Find mails that have all these words in subject or text, newest first'
complete -c postern -n "__fish_postern_using_subcommand case; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c postern -n "__fish_postern_using_subcommand quarantine; and not __fish_seen_subcommand_from list show requeue help" -l config -d 'Settings file' -r -F
complete -c postern -n "__fish_postern_using_subcommand quarantine; and not __fish_seen_subcommand_from list show requeue help" -l json -d 'One JSON object a line, for programs'
complete -c postern -n "__fish_postern_using_subcommand quarantine; and not __fish_seen_subcommand_from list show requeue help" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand quarantine; and not __fish_seen_subcommand_from list show requeue help" -f -a "list" -d 'List mail that was put aside, and mail that is held until a member admits it to a case'
complete -c postern -n "__fish_postern_using_subcommand quarantine; and not __fish_seen_subcommand_from list show requeue help" -f -a "show" -d 'Show one of them: why it waits, and its beginning as it came'
complete -c postern -n "__fish_postern_using_subcommand quarantine; and not __fish_seen_subcommand_from list show requeue help" -f -a "requeue" -d 'Decide mails again, from the beginning'
complete -c postern -n "__fish_postern_using_subcommand quarantine; and not __fish_seen_subcommand_from list show requeue help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c postern -n "__fish_postern_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l config -d 'Settings file' -r -F
complete -c postern -n "__fish_postern_using_subcommand quarantine; and __fish_seen_subcommand_from list" -l json -d 'One JSON object a line, for programs'
complete -c postern -n "__fish_postern_using_subcommand quarantine; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand quarantine; and __fish_seen_subcommand_from show" -l config -d 'Settings file' -r -F
complete -c postern -n "__fish_postern_using_subcommand quarantine; and __fish_seen_subcommand_from show" -l json -d 'One JSON object a line, for programs'
complete -c postern -n "__fish_postern_using_subcommand quarantine; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand quarantine; and __fish_seen_subcommand_from requeue" -l config -d 'Settings file' -r -F
complete -c postern -n "__fish_postern_using_subcommand quarantine; and __fish_seen_subcommand_from requeue" -l all -d 'Every mail that was put aside; not those held for a case'
complete -c postern -n "__fish_postern_using_subcommand quarantine; and __fish_seen_subcommand_from requeue" -l json -d 'One JSON object a line, for programs'
complete -c postern -n "__fish_postern_using_subcommand quarantine; and __fish_seen_subcommand_from requeue" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand quarantine; and __fish_seen_subcommand_from help" -f -a "list" -d 'List mail that was put aside, and mail that is held until a member admits it to a case'
complete -c postern -n "__fish_postern_using_subcommand quarantine; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show one of them: why it waits, and its beginning as it came'
complete -c postern -n "__fish_postern_using_subcommand quarantine; and __fish_seen_subcommand_from help" -f -a "requeue" -d 'Decide mails again, from the beginning'
complete -c postern -n "__fish_postern_using_subcommand quarantine; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c postern -n "__fish_postern_using_subcommand outbox; and not __fish_seen_subcommand_from list retry hold help" -l config -d 'Settings file' -r -F
complete -c postern -n "__fish_postern_using_subcommand outbox; and not __fish_seen_subcommand_from list retry hold help" -l json -d 'One JSON object a line, for programs'
complete -c postern -n "__fish_postern_using_subcommand outbox; and not __fish_seen_subcommand_from list retry hold help" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand outbox; and not __fish_seen_subcommand_from list retry hold help" -f -a "list" -d 'List outgoing mail that was not sent yet, what needs somebody on top'
complete -c postern -n "__fish_postern_using_subcommand outbox; and not __fish_seen_subcommand_from list retry hold help" -f -a "retry" -d 'Send held, deferred or failed mails again now, with the bytes that were sealed for them'
complete -c postern -n "__fish_postern_using_subcommand outbox; and not __fish_seen_subcommand_from list retry hold help" -f -a "hold" -d 'Hold mails that no relay has yet, until they are tried again'
complete -c postern -n "__fish_postern_using_subcommand outbox; and not __fish_seen_subcommand_from list retry hold help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c postern -n "__fish_postern_using_subcommand outbox; and __fish_seen_subcommand_from list" -l state -d 'Only mail in this state: held, failed, deferred, sending, queued or sent' -r
complete -c postern -n "__fish_postern_using_subcommand outbox; and __fish_seen_subcommand_from list" -l case -d 'Only mail of this case, sent mail too' -r
complete -c postern -n "__fish_postern_using_subcommand outbox; and __fish_seen_subcommand_from list" -l config -d 'Settings file' -r -F
complete -c postern -n "__fish_postern_using_subcommand outbox; and __fish_seen_subcommand_from list" -l json -d 'One JSON object a line, for programs'
complete -c postern -n "__fish_postern_using_subcommand outbox; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand outbox; and __fish_seen_subcommand_from retry" -l config -d 'Settings file' -r -F
complete -c postern -n "__fish_postern_using_subcommand outbox; and __fish_seen_subcommand_from retry" -l all -d 'Every one that is held, deferred or failed'
complete -c postern -n "__fish_postern_using_subcommand outbox; and __fish_seen_subcommand_from retry" -l json -d 'One JSON object a line, for programs'
complete -c postern -n "__fish_postern_using_subcommand outbox; and __fish_seen_subcommand_from retry" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand outbox; and __fish_seen_subcommand_from hold" -l config -d 'Settings file' -r -F
complete -c postern -n "__fish_postern_using_subcommand outbox; and __fish_seen_subcommand_from hold" -l json -d 'One JSON object a line, for programs'
complete -c postern -n "__fish_postern_using_subcommand outbox; and __fish_seen_subcommand_from hold" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand outbox; and __fish_seen_subcommand_from help" -f -a "list" -d 'List outgoing mail that was not sent yet, what needs somebody on top'
complete -c postern -n "__fish_postern_using_subcommand outbox; and __fish_seen_subcommand_from help" -f -a "retry" -d 'Send held, deferred or failed mails again now, with the bytes that were sealed for them'
complete -c postern -n "__fish_postern_using_subcommand outbox; and __fish_seen_subcommand_from help" -f -a "hold" -d 'Hold mails that no relay has yet, until they are tried again'
complete -c postern -n "__fish_postern_using_subcommand outbox; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c postern -n "__fish_postern_using_subcommand manual" -l completions -d 'Completions for this shell instead of the manual page' -r -f -a "bash\t''
elvish\t''
fish\t''
powershell\t''
zsh\t''"
complete -c postern -n "__fish_postern_using_subcommand manual" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand help; and not __fish_seen_subcommand_from demo init check run ingest explain case quarantine outbox manual help" -f -a "demo" -d 'Play a story without any server or set-up, and leave its mails and its advisory in a folder'
complete -c postern -n "__fish_postern_using_subcommand help; and not __fish_seen_subcommand_from demo init check run ingest explain case quarantine outbox manual help" -f -a "init" -d 'Make settings, keys and database for a new address, and say what to do next'
complete -c postern -n "__fish_postern_using_subcommand help; and not __fish_seen_subcommand_from demo init check run ingest explain case quarantine outbox manual help" -f -a "check" -d 'Try settings, keys, store and servers, and say of each whether it is well or what to do'
complete -c postern -n "__fish_postern_using_subcommand help; and not __fish_seen_subcommand_from demo init check run ingest explain case quarantine outbox manual help" -f -a "run" -d 'Run the daemon'
complete -c postern -n "__fish_postern_using_subcommand help; and not __fish_seen_subcommand_from demo init check run ingest explain case quarantine outbox manual help" -f -a "ingest" -d 'Store mails from files: .eml, mbox, Maildir, or standard input'
complete -c postern -n "__fish_postern_using_subcommand help; and not __fish_seen_subcommand_from demo init check run ingest explain case quarantine outbox manual help" -f -a "explain" -d 'Tell what postern sees in mails, and why, without storing anything'
complete -c postern -n "__fish_postern_using_subcommand help; and not __fish_seen_subcommand_from demo init check run ingest explain case quarantine outbox manual help" -f -a "case" -d 'Look at cases: list them, show one, print its journal, search'
complete -c postern -n "__fish_postern_using_subcommand help; and not __fish_seen_subcommand_from demo init check run ingest explain case quarantine outbox manual help" -f -a "quarantine" -d 'Look at mail that was put aside or is held, and decide it again'
complete -c postern -n "__fish_postern_using_subcommand help; and not __fish_seen_subcommand_from demo init check run ingest explain case quarantine outbox manual help" -f -a "outbox" -d 'Look at outgoing mail, try it again, or hold it'
complete -c postern -n "__fish_postern_using_subcommand help; and not __fish_seen_subcommand_from demo init check run ingest explain case quarantine outbox manual help" -f -a "manual" -d 'Print the manual page or a shell\'s completions'
complete -c postern -n "__fish_postern_using_subcommand help; and not __fish_seen_subcommand_from demo init check run ingest explain case quarantine outbox manual help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c postern -n "__fish_postern_using_subcommand help; and __fish_seen_subcommand_from case" -f -a "list" -d 'List open cases, those whose next clock is due first on top'
complete -c postern -n "__fish_postern_using_subcommand help; and __fish_seen_subcommand_from case" -f -a "show" -d 'Show one case: states, parties, clocks, mails, outgoing mail'
complete -c postern -n "__fish_postern_using_subcommand help; and __fish_seen_subcommand_from case" -f -a "log" -d 'Print the journal of one case'
complete -c postern -n "__fish_postern_using_subcommand help; and __fish_seen_subcommand_from case" -f -a "search" -d 'Find mails that have all these words in subject or text, newest first'
complete -c postern -n "__fish_postern_using_subcommand help; and __fish_seen_subcommand_from quarantine" -f -a "list" -d 'List mail that was put aside, and mail that is held until a member admits it to a case'
complete -c postern -n "__fish_postern_using_subcommand help; and __fish_seen_subcommand_from quarantine" -f -a "show" -d 'Show one of them: why it waits, and its beginning as it came'
complete -c postern -n "__fish_postern_using_subcommand help; and __fish_seen_subcommand_from quarantine" -f -a "requeue" -d 'Decide mails again, from the beginning'
complete -c postern -n "__fish_postern_using_subcommand help; and __fish_seen_subcommand_from outbox" -f -a "list" -d 'List outgoing mail that was not sent yet, what needs somebody on top'
complete -c postern -n "__fish_postern_using_subcommand help; and __fish_seen_subcommand_from outbox" -f -a "retry" -d 'Send held, deferred or failed mails again now, with the bytes that were sealed for them'
complete -c postern -n "__fish_postern_using_subcommand help; and __fish_seen_subcommand_from outbox" -f -a "hold" -d 'Hold mails that no relay has yet, until they are tried again'

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
complete -c postern -n "__fish_postern_needs_command" -f -a "run" -d 'Run the daemon'
complete -c postern -n "__fish_postern_needs_command" -f -a "ingest" -d 'Store mails from files: .eml, mbox, Maildir, or standard input'
complete -c postern -n "__fish_postern_needs_command" -f -a "explain" -d 'Tell what postern sees in mails, and why, without storing anything'
complete -c postern -n "__fish_postern_needs_command" -f -a "manual" -d 'Print the manual page or a shell\'s completions'
complete -c postern -n "__fish_postern_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c postern -n "__fish_postern_using_subcommand demo" -l dir -d 'Folder to leave everything in; made anew if it is missing, refused if it holds anything' -r -F
complete -c postern -n "__fish_postern_using_subcommand demo" -s h -l help -d 'Print help'
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
complete -c postern -n "__fish_postern_using_subcommand manual" -l completions -d 'Completions for this shell instead of the manual page' -r -f -a "bash\t''
elvish\t''
fish\t''
powershell\t''
zsh\t''"
complete -c postern -n "__fish_postern_using_subcommand manual" -s h -l help -d 'Print help'
complete -c postern -n "__fish_postern_using_subcommand help; and not __fish_seen_subcommand_from demo run ingest explain manual help" -f -a "demo" -d 'Play a story without any server or set-up, and leave its mails and its advisory in a folder'
complete -c postern -n "__fish_postern_using_subcommand help; and not __fish_seen_subcommand_from demo run ingest explain manual help" -f -a "run" -d 'Run the daemon'
complete -c postern -n "__fish_postern_using_subcommand help; and not __fish_seen_subcommand_from demo run ingest explain manual help" -f -a "ingest" -d 'Store mails from files: .eml, mbox, Maildir, or standard input'
complete -c postern -n "__fish_postern_using_subcommand help; and not __fish_seen_subcommand_from demo run ingest explain manual help" -f -a "explain" -d 'Tell what postern sees in mails, and why, without storing anything'
complete -c postern -n "__fish_postern_using_subcommand help; and not __fish_seen_subcommand_from demo run ingest explain manual help" -f -a "manual" -d 'Print the manual page or a shell\'s completions'
complete -c postern -n "__fish_postern_using_subcommand help; and not __fish_seen_subcommand_from demo run ingest explain manual help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'

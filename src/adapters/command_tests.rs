//! Programs that print secrets, with the shell as the program.

use super::*;

fn shell(script: &str) -> SecretCommand {
    let words = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    SecretCommand { setting: "inbox.token_command".to_owned(), words, environment: vec![("A".into(), "b c".into())] }
}

fn never() -> bool {
    false
}

fn refusal(command: &SecretCommand) -> PortError {
    run(command, &never).map(|_| ()).unwrap_err()
}

#[test]
fn the_first_line_is_the_secret_and_nothing_is_between_us_and_the_program() {
    assert_eq!(*run(&shell("printf 'tok en\\r\\nsecond\\n'"), &never).unwrap(), "tok en");
    assert_eq!(*run(&shell("printf 'no line end'"), &never).unwrap(), "no line end");
    let words = ["/bin/echo", "$A; echo *"].map(str::to_owned).to_vec();
    assert_eq!(*run(&SecretCommand { words, ..shell("") }, &never).unwrap(), "$A; echo *", "no shell");
}

#[test]
fn the_program_gets_the_short_environment_and_no_input() {
    assert_eq!(*run(&shell("echo \"$A,$HOME,$CARGO,$(cat)\""), &never).unwrap(), "b c,,,");
}

#[test]
fn each_way_to_fail_names_the_setting_and_shows_no_output() {
    let cases = [
        ("echo hunter2; echo hunter2 >&2; exit 3", ErrorClass::Temporary, "exit code 3"),
        ("echo hunter2; kill -9 $$", ErrorClass::Temporary, "a signal"),
        ("true", ErrorClass::Configuration, "prints nothing"),
        ("echo; echo hunter2", ErrorClass::Configuration, "prints nothing"),
        ("printf 'hunter2\\001\\n'", ErrorClass::Configuration, "not text"),
        ("printf 'hunter2\\377\\n'", ErrorClass::Configuration, "not text"),
        ("while :; do echo hunter2hunter2hunter2; done", ErrorClass::Configuration, "64 KiB"),
    ];
    for (script, class, words) in cases {
        let error = refusal(&shell(script));
        assert_eq!(error.class, class, "{script}: {error}");
        assert!(error.message.contains("`inbox.token_command`") && error.message.contains(words), "{script}: {error}");
        assert!(!error.message.contains("hunter2"), "{error}");
    }
    let words = vec!["/nowhere/at/all".to_owned()];
    let error = refusal(&SecretCommand { words, ..shell("") });
    assert_eq!(error.class, ErrorClass::Configuration);
    assert!(error.message.contains("cannot be started"), "{error}");
}

#[test]
fn a_program_that_hangs_is_ended_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let mark = folder.path().join("alive");
    let script = format!("(sleep 3; touch {}) & sleep 60", mark.display());
    let began = now();
    let given_up = || now() >= began + Duration::from_millis(300);
    let error = run(&shell(&script), &given_up).map(|_| ()).unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(error.class, ErrorClass::Temporary);
    while began.elapsed() < Duration::from_millis(3500) {
        pause();
    }
    assert!(!mark.exists(), "its child was ended too");
}

#[test]
fn a_program_that_leaves_an_agent_behind_does_not_hold_us_up() {
    let began = now();
    let given_up = || now() >= began + Duration::from_secs(5);
    let outcome = run(&shell("sleep 20 >/dev/null & echo secret"), &given_up);
    assert_eq!(*outcome.unwrap(), "secret");
    assert!(began.elapsed() < Duration::from_secs(4));
}

#[test]
fn a_password_is_asked_for_once_and_again_after_a_refusal_and_a_token_each_time() {
    let folder = tempfile::tempdir().unwrap();
    let script = format!("echo x >> {0}/n; wc -l < {0}/n | tr -d ' '", folder.path().display());
    let mut password = SecretHolder::new(LoginSecret::PasswordCommand(shell(&script)));
    assert_eq!(*password.current(&never).unwrap(), "1");
    assert!(!password.refused(), "it was asked just now: another would be the same");
    assert_eq!(*password.current(&never).unwrap(), "2");
    assert_eq!(*password.current(&never).unwrap(), "2", "kept");
    assert!(password.refused(), "it may have been changed since");
    assert_eq!(*password.current(&never).unwrap(), "3");

    let mut token = SecretHolder::new(LoginSecret::TokenCommand(shell(&script)));
    assert!(token.is_token());
    assert_eq!(*token.current(&never).unwrap(), "4");
    assert_eq!(*token.current(&never).unwrap(), "5", "never kept");
    assert!(token.refused());
}

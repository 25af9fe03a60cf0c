//! Structured logs on standard error: ids, counts and codes; never an address, a subject or a body.

use tracing_subscriber::EnvFilter;

use crate::settings::checked::Log;
use crate::settings::choice::{LogFormat, LogLevel};

/// Starts logging. A second call changes nothing.
pub fn start(log: &Log) {
    let level = match log.level {
        LogLevel::Error => "error",
        LogLevel::Warn => "warn",
        LogLevel::Info => "info",
        LogLevel::Debug => "debug",
        LogLevel::Trace => "trace",
    };
    // Only our own events: libraries may log what we must not.
    let filter = EnvFilter::new(format!("off,postern={level}"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    let started = match log.format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
    drop(started);
    quiet_panics();
}

/// A panic is logged by its place alone: its message may hold what it stumbled over.
fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        tracing::error!(place, "a panic was caught");
    }));
}

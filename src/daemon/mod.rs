//! The running daemon: settings into an engine, the loop that steps it, signals, watchdog, control socket.
//!
//! Holds no logic that a test would need a runtime for: what is decided and sent is the engine's.

pub mod assemble;
pub mod check;
pub mod control;
pub mod desk;
pub mod exit;
pub mod init;
pub mod lock;
pub mod log;
pub mod rehearsal;
pub mod run;

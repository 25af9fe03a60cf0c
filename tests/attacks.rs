//! Attacks on the whole house, each named by its threat, each proving the safe behaviour.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a helper of a test that cannot go on has failed")]

#[path = "attacks/commands.rs"]
mod commands;
#[path = "attacks/house.rs"]
mod house;
#[path = "attacks/leaks.rs"]
mod leaks;
#[path = "attacks/load.rs"]
mod load;
#[path = "attacks/openpgp.rs"]
mod openpgp;
#[path = "attacks/reading.rs"]
mod reading;
#[path = "attacks/threads.rs"]
mod threads;

//! The domain.

pub mod id;
pub mod time;
pub mod token;

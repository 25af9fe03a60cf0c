//! Proves that recipients are found in the notices of mail hosts of all kinds, and in nothing else.

use super::*;


//! demo
use super::arguments::DemoOptions;
use crate::daemon::exit::Failure;
pub fn demo(_options: &DemoOptions) -> Result<(), Failure> {
    Ok(())
}

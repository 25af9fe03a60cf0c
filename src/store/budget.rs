//! How many mails each relay was given, by the hour: what a daily budget is counted by.
//!
//! Written only for relays that have a budget. Hours that no budget asks about any more are deleted. Never decides
//! whether a relay may be given more.

use rusqlite::params;

use super::error::StoreError;
use super::row;
use super::session::Session;

/// Hours that are kept: two days, more than any budget looks back.
const HOURS_KEPT: i64 = 48;

impl Session<'_> {
    /// What a relay took, by hour since 1970, from `first` on, oldest first.
    ///
    /// # Errors
    /// What the database says.
    pub fn relay_hours(&self, name: &str, first: i64) -> Result<Vec<(i64, u64)>, StoreError> {
        let sql = "SELECT hour, mails FROM relay WHERE name = ?1 AND hour >= ?2 ORDER BY hour";
        self.all("load what a relay took", sql, params![name, first], |row| {
            Ok((row.get("hour")?, row::count(row, "mails")?))
        })
    }

    /// Adds mails that relays took in this hour: their names, and how many, all in one commit.
    ///
    /// # Errors
    /// What the database says; then none is counted.
    pub fn count_relayed(&self, taken: &[(String, u64)], hour: i64) -> Result<(), StoreError> {
        let step = "count what a relay took";
        let add = "INSERT INTO relay (name, hour, mails) VALUES (?1, ?2, ?3)
            ON CONFLICT (name, hour) DO UPDATE SET mails = mails + excluded.mails";
        self.atomically(|| {
            for (name, mails) in taken {
                self.run(step, add, params![name, hour, i64::try_from(*mails).unwrap_or(i64::MAX)])?;
            }
            self.run(step, "DELETE FROM relay WHERE hour < ?1", [hour - HOURS_KEPT]).map(|_| ())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::support_tests::Room;

    #[test]
    fn hours_add_up_and_old_ones_are_forgotten() {
        let room = Room::new();
        let store = room.open();
        let session = store.session();
        let taken = |name: &str, mails| [(name.to_owned(), mails)];
        session.count_relayed(&taken("a:587", 3), 100).unwrap();
        session.count_relayed(&taken("a:587", 4), 100).unwrap();
        session.count_relayed(&taken("b:25", 9), 100).unwrap();
        session.count_relayed(&taken("a:587", 1), 130).unwrap();
        assert_eq!(session.relay_hours("a:587", 0).unwrap(), [(100, 7), (130, 1)]);
        assert_eq!(session.relay_hours("a:587", 101).unwrap(), [(130, 1)]);
        session.count_relayed(&taken("a:587", 1), 149).unwrap();
        assert_eq!(session.relay_hours("b:25", 0).unwrap(), []);
    }
}

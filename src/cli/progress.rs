//! How far a command is, on standard error: only where that is a terminal, and only after two seconds.
//!
//! Never fails, and leaves nothing behind on the screen.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is done sooner shows no progress.
const SHOWN_AFTER: Duration = Duration::from_secs(2);
/// Time between two pictures.
const REDRAWN_EVERY: Duration = Duration::from_millis(200);

/// The progress of something that may take long.
pub struct Progress {
    bar: ProgressBar,
    /// Dropped at the end: then the thread ends.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins. `total` is how many there are, if that is known; `what` says what is done, as in "reading mails".
    #[must_use]
    pub fn new(total: Option<u64>, what: &str) -> Self {
        Self::after(SHOWN_AFTER, ProgressDrawTarget::stderr, total, what)
    }

    fn after(
        wait: Duration,
        target: impl FnOnce() -> ProgressDrawTarget + Send + 'static,
        total: Option<u64>,
        what: &str,
    ) -> Self {
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
        let template =
            if total.is_some() { "{msg}: [{wide_bar}] {pos}/{len}, {eta} left" } else { "{spinner} {msg}: {pos}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what.to_owned());
        let (end, ended) = channel::<()>();
        let shown = bar.clone();
        let thread = std::thread::Builder::new().name("progress".to_owned()).spawn(move || {
            if ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                shown.set_draw_target(target());
                shown.enable_steady_tick(REDRAWN_EVERY);
            }
        });
        // Without a thread there is no picture, and the work goes on.
        Self { bar, end: Some(end), thread: thread.ok() }
    }

    /// So many more are done.
    pub fn tick(&self, done: u64) {
        self.bar.inc(done);
    }

    /// There are so many more to do than was said.
    pub fn more(&self, more: u64) {
        self.bar.inc_length(more);
    }

    /// Everything is done: the picture goes away.
    pub fn done(self) {}
}

impl Drop for Progress {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun(wait: Duration) -> (Progress, std::sync::mpsc::Receiver<()>) {
        let (shown, is_shown) = channel();
        let target = move || {
            let _ = shown.send(());
            ProgressDrawTarget::hidden()
        };
        (Progress::after(wait, target, Some(10), "counting"), is_shown)
    }

    #[test]
    fn what_is_done_soon_shows_nothing() {
        let (progress, shown) = begun(Duration::from_secs(3600));
        progress.tick(10);
        progress.done();
        assert!(shown.recv().is_err(), "it ends without waiting, and nothing was shown");
    }

    #[test]
    fn what_takes_long_is_shown_and_counts_what_was_done_before() {
        let (progress, shown) = begun(Duration::from_millis(1));
        progress.tick(3);
        progress.more(5);
        shown.recv_timeout(Duration::from_secs(10)).unwrap();
        assert_eq!((progress.bar.position(), progress.bar.length()), (3, Some(15)));
        progress.done();
    }
}

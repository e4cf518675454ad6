//! Progress on stderr: a bar on a terminal, plain lines elsewhere.

use std::{
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far a known number of runs has come.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    name: String,
    total: usize,
    started: Instant,
    state: Mutex<(usize, Instant)>,
}

/// Plain lines come no more often than this.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

impl Progress {
    /// Progress of `total` runs under a name.
    #[must_use]
    pub(crate) fn new(name: &str, total: usize) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(
                Some(total as u64),
                ProgressDrawTarget::stderr_with_hz(10),
            );
            let style = ProgressStyle::with_template(
                "{prefix} [{bar:30}] {pos}/{len} runs, {elapsed}, {eta} left {wide_msg}",
            )
            .expect("the template is a constant");
            bar.set_style(style.progress_chars("=> "));
            bar.set_prefix(name.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        let now = Instant::now();
        Self { bar, name: name.to_owned(), total, started: now, state: Mutex::new((0, now)) }
    }

    /// One run is done; `what` it was.
    pub(crate) fn step(&self, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(what.to_owned());
            bar.inc(1);
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 += 1;
        if state.1.elapsed() >= PLAIN_EVERY && state.0 < self.total {
            state.1 = Instant::now();
            let elapsed = self.started.elapsed().as_secs_f64();
            #[allow(clippy::cast_precision_loss, reason = "counts of runs are small")]
            let left = elapsed * (self.total - state.0) as f64 / state.0 as f64;
            eprintln!(
                "{}: {}/{} runs, {elapsed:.0} s, about {left:.0} s left",
                self.name, state.0, self.total
            );
        }
    }

    /// All runs are done.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let seconds = self.started.elapsed().as_secs_f64();
        eprintln!("{}: {} runs in {seconds:.1} s", self.name, self.total);
    }
}

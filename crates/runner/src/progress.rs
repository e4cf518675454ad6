//! Progress on stderr: a bar on a terminal, plain lines elsewhere.

use std::{
    io::IsTerminal,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How far a number of runs, or of rows, has come.
#[derive(Debug)]
pub struct Progress {
    bar: Option<ProgressBar>,
    name: String,
    /// Unknown for the rows of a file that is read for the first time.
    total: Option<usize>,
    unit: &'static str,
    started: Instant,
    /// How many are done, when a plain line was written last.
    state: Mutex<(usize, Instant)>,
}

/// The unit that comes with a rate.
const PICTURES: &str = "pictures";

/// Plain lines come no more often than this.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

impl Progress {
    /// Progress of `total` runs under a name.
    #[must_use]
    pub fn new(name: &str, total: usize) -> Self {
        Self::start(name, Some(total), "runs")
    }

    /// Progress over the rows of a file.
    #[must_use]
    pub fn of_rows(name: &str, total: Option<usize>) -> Self {
        Self::start(name, total, "rows")
    }

    /// Progress over pictures, with how many come in a second.
    #[must_use]
    pub fn of_pictures(name: &str, total: usize) -> Self {
        Self::start(name, Some(total), PICTURES)
    }

    /// Progress over the sentences that models are trained on, as often as they are.
    #[must_use]
    pub fn of_sentences(name: &str, total: usize) -> Self {
        Self::start(name, Some(total), "sentences")
    }

    fn start(name: &str, total: Option<usize>, unit: &'static str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(
                total.map(|total| total as u64),
                ProgressDrawTarget::stderr_with_hz(10),
            );
            let template = match total {
                Some(_) if unit == PICTURES => format!(
                    "{{prefix}} [{{bar:30}}] {{pos}}/{{len}} {unit}, {{per_sec}}, {{elapsed}}, {{eta}} \
                     left {{wide_msg}}"
                ),
                Some(_) => format!(
                    "{{prefix}} [{{bar:30}}] {{pos}}/{{len}} {unit}, {{elapsed}}, {{eta}} left \
                     {{wide_msg}}"
                ),
                None => format!("{{prefix}} {{spinner}} {{pos}} {unit}, {{elapsed}}, {{per_sec}}"),
            };
            let style = ProgressStyle::with_template(&template)
                .expect("the template is one of three constants");
            bar.set_style(style.progress_chars("=> "));
            bar.set_prefix(name.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        let now = Instant::now();
        let state = Mutex::new((0, now));
        Self { bar, name: name.to_owned(), total, unit, started: now, state }
    }

    /// One run is done; `what` it was.
    pub fn step(&self, what: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(what.to_owned());
        }
        self.advance(1);
    }

    /// So many more are done.
    pub fn advance(&self, more: usize) {
        self.advance_with(more, "");
    }

    /// So many more are done, and this is what is to be said of it.
    pub fn advance_with(&self, more: usize, said: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 += more;
        if let Some(bar) = &self.bar {
            if !said.is_empty() {
                bar.set_message(said.to_owned());
            }
            bar.inc(more as u64);
            return;
        }
        if state.1.elapsed() >= PLAIN_EVERY && Some(state.0) != self.total {
            state.1 = Instant::now();
            let (name, unit, done) = (&self.name, self.unit, state.0);
            let elapsed = self.started.elapsed().as_secs_f64();
            match self.total {
                None => eprintln!("{name}: {done} {unit}, {elapsed:.0} s"),
                Some(total) => {
                    #[allow(clippy::cast_precision_loss, reason = "an estimate")]
                    let left = elapsed * total.saturating_sub(done) as f64 / done.max(1) as f64;
                    #[allow(clippy::cast_precision_loss, reason = "a rate")]
                    let rate = match unit {
                        PICTURES => format!("{:.0}/s, ", done as f64 / elapsed),
                        _ => String::new(),
                    };
                    let said = if said.is_empty() { String::new() } else { format!("; {said}") };
                    eprintln!(
                        "{name}: {done}/{total} {unit}, {rate}{elapsed:.0} s, about {left:.0} s left{said}"
                    );
                }
            }
        }
    }

    /// How many are done.
    pub fn done(&self) -> usize {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// All are done: how many, and how long it took; of rows only if it took a while.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        let done = self.done();
        let elapsed = self.started.elapsed();
        if self.unit == "runs" || elapsed >= Duration::from_secs(1) {
            eprintln!("{}: {done} {} in {:.1} s", self.name, self.unit, elapsed.as_secs_f64());
        }
    }
}

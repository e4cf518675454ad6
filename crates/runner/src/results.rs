//! Results: one line of JSON a measured value, written as soon as it is known.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use procrust_settings::Settings;
use serde::Serialize;

use crate::{Finding, MethodRow, Outcome, Plan};

/// One measured value, or one run that failed: a line of `results.jsonl`.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct Record {
    /// The plan's name.
    pub experiment: String,
    /// The plan's kind.
    pub kind: &'static str,
    /// `source>target`.
    pub task: String,
    /// The method's name.
    pub method: String,
    /// The classifier's name, where there is one.
    pub classifier: Option<String>,
    /// The retrieval criterion, where there is one.
    pub criterion: Option<String>,
    /// What was measured.
    pub metric: String,
    /// The value and its interval, or why there is none.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// The run's seed.
    pub seed: u64,
    /// Seconds that fitting the method took; `null` where nothing is fitted.
    pub fit_seconds: Option<f64>,
    /// Seconds that mapping the task's rows by the fitted method took, where that was timed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub apply_seconds: Option<f64>,
    /// In a benchmark: the most memory that the run held beyond what was held before, in 10⁶ bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peak_mb: Option<f64>,
    /// The method's settings.
    pub settings: Settings,
    /// The classifier's settings, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classifier_settings: Option<Settings>,
    /// What the method had to say about this fit.
    pub warnings: Vec<String>,
    /// What else the run has to show, each under a key of its own.
    #[serde(flatten)]
    pub evidence: Settings,
}

impl Record {
    /// The line of a finding.
    #[must_use]
    pub fn new(plan: &Plan, task: &str, method: &MethodRow, seed: u64, finding: &Finding) -> Self {
        let evidence = finding.evidence.iter();
        Self {
            experiment: plan.name.clone(),
            kind: plan.kind,
            task: task.to_owned(),
            method: method.name.clone(),
            classifier: finding.classifier.as_ref().map(|(name, _)| name.clone()),
            criterion: finding.criterion.clone(),
            metric: finding.metric.name().to_owned(),
            outcome: finding.outcome.clone(),
            seed,
            fit_seconds: finding.fit_seconds,
            apply_seconds: finding.apply_seconds,
            peak_mb: finding.peak_mb,
            settings: method.settings.clone(),
            classifier_settings: finding.classifier.as_ref().map(|(_, settings)| settings.clone()),
            warnings: finding.warnings.clone(),
            evidence: evidence
                .map(|evidence| (evidence.key().to_owned(), evidence.fields().into()))
                .collect(),
        }
    }
}

/// Where results go: a file that grows line by line under a temporary name, in the plan's order
/// whatever the order in which runs end, and gets its real name when it is complete.
///
/// Clones share the file.
#[derive(Debug, Clone)]
pub struct Sink(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    file: BufWriter<File>,
    part: PathBuf,
    path: PathBuf,
    next: usize,
    waiting: BTreeMap<usize, Vec<Record>>,
    lines: usize,
    closed: bool,
}

impl Sink {
    /// Makes the folder and an empty `results.jsonl.part` in it.
    ///
    /// # Errors
    ///
    /// Whatever the file system says when it can't be written.
    pub fn create(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let path = folder.join("results.jsonl");
        let part = folder.join("results.jsonl.part");
        let file = BufWriter::new(File::create(&part)?);
        let waiting = BTreeMap::new();
        let state = State { file, part, path, next: 0, waiting, lines: 0, closed: false };
        Ok(Self(Arc::new(Mutex::new(state))))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the records of one run. Runs are numbered from 0 in the order of the plan; a run's
    /// lines wait until those of all earlier runs are written.
    ///
    /// # Errors
    ///
    /// Whatever the file system says, such as that the disk is full.
    pub fn add(&self, run: usize, records: Vec<Record>) -> io::Result<()> {
        let state = &mut *self.state();
        state.waiting.insert(run, records);
        while let Some(records) = state.waiting.remove(&state.next) {
            state.next += 1;
            state.write(&records)?;
        }
        state.file.flush()
    }

    /// Writes what still waits and gives the file its real name; returns the number of lines.
    /// Later calls do nothing.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    pub fn close(&self) -> io::Result<usize> {
        let state = &mut *self.state();
        if !state.closed {
            for records in std::mem::take(&mut state.waiting).into_values() {
                state.write(&records)?;
            }
            state.file.flush()?;
            std::fs::rename(&state.part, &state.path)?;
            state.closed = true;
        }
        Ok(state.lines)
    }

    /// Removes the unfinished file; an older `results.jsonl` stays as it is.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    pub fn discard(&self) -> io::Result<()> {
        let state = &mut *self.state();
        if !state.closed {
            state.closed = true;
            std::fs::remove_file(&state.part)?;
        }
        Ok(())
    }

    /// [`Sink::close`] where something is finished, [`Sink::discard`] where nothing is.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    pub fn close_or_discard(&self) -> io::Result<usize> {
        let nothing = {
            let state = self.state();
            state.lines == 0 && state.waiting.is_empty()
        };
        if nothing {
            self.discard()?;
            return Ok(0);
        }
        self.close()
    }
}

impl State {
    fn write(&mut self, records: &[Record]) -> io::Result<()> {
        for record in records {
            serde_json::to_writer(&mut self.file, record)?;
            self.file.write_all(b"\n")?;
            self.lines += 1;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(task: &str) -> Record {
        Record {
            experiment: "e".into(),
            kind: "adaptation",
            task: task.into(),
            method: "none".into(),
            classifier: Some("knn".into()),
            criterion: None,
            metric: "accuracy".into(),
            outcome: Outcome::Failed { error: "why".into() },
            seed: 0,
            fit_seconds: None,
            apply_seconds: None,
            peak_mb: None,
            settings: Settings::new(),
            classifier_settings: None,
            warnings: Vec::new(),
            evidence: Settings::new(),
        }
    }

    #[test]
    fn lines_stand_in_the_order_of_runs_and_nothing_finished_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let sink = Sink::create(folder.path()).unwrap();
        sink.add(1, vec![record("b")]).unwrap();
        sink.add(0, vec![record("a")]).unwrap();
        sink.add(3, vec![record("d")]).unwrap(); // run 2 never ends
        assert_eq!(sink.close().unwrap(), 3);
        let text = std::fs::read_to_string(folder.path().join("results.jsonl")).unwrap();
        let tasks: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
            .map(|value| value["task"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(tasks, ["a", "b", "d"]);
        assert!(!folder.path().join("results.jsonl.part").exists());
    }

    #[test]
    fn a_failed_run_has_error_in_place_of_value() {
        let value = serde_json::to_value(record("a")).unwrap();
        assert_eq!(value["error"], "why");
        assert!(value.get("value").is_none());
        assert!(value["criterion"].is_null());
    }
}

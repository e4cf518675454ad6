//! Plan files: the keys that every plan has, and the registry of kinds.

mod table;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use procrust_settings::unknown;

pub use table::{Place, PlacedPair, PlanError, Source, Table};

use crate::{Experiment, Kind};

/// A plan file, read and checked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Plan {
    /// The file it was read from.
    pub file: PathBuf,
    /// The experiment's name, the first key of every result.
    pub name: String,
    /// What the experiment shows, in a sentence, for the report.
    pub description: Option<String>,
    /// Whether the plan runs when none is named.
    pub default: bool,
    /// One run per seed.
    pub seeds: Vec<u64>,
    /// The word for its kind.
    pub kind: &'static str,
    /// What only this kind has.
    pub experiment: Arc<dyn Experiment>,
}

/// What a kind may want to know of the plan that it reads.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Where relative paths start.
    pub folder: &'a Path,
    /// The plan's name.
    pub name: &'a str,
    /// The plan's seeds, if it names any.
    pub seeds: Option<&'a [u64]>,
}

/// Why a plan could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadPlanError {
    /// The file could not be opened or is not UTF-8.
    #[error("cannot read the plan {}", file.display())]
    Unreadable {
        /// The plan file.
        file: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// The file has a mistake.
    #[error(transparent)]
    Mistake(#[from] PlanError),
}

/// The kinds of plan that a program knows.
pub struct Kinds(Vec<Box<dyn Kind>>);

impl Kinds {
    /// These kinds, in the order of documentation.
    #[must_use]
    pub fn new(kinds: Vec<Box<dyn Kind>>) -> Self {
        Self(kinds)
    }

    /// The kinds.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Kind> {
        self.0.iter().map(AsRef::as_ref)
    }

    /// Reads a plan file and checks all of it that can be checked without reading its data:
    /// keys, values, and that every file it names is there.
    ///
    /// Paths in a plan are relative to the plan.
    ///
    /// # Errors
    ///
    /// [`ReadPlanError::Unreadable`] when there is no such file; [`ReadPlanError::Mistake`] with
    /// file, line and column for an unknown key, a value that does not fit, a file that is missing or a
    /// method that does not fit the kind.
    pub fn read(&self, file: &Path) -> Result<Plan, ReadPlanError> {
        let text = std::fs::read_to_string(file)
            .map_err(|cause| ReadPlanError::Unreadable { file: file.to_path_buf(), cause })?;
        Ok(self.parse(file, &text)?)
    }

    /// Reads a plan from a text; `file` is where its relative paths start, and its name in errors.
    ///
    /// # Errors
    ///
    /// As [`Kinds::read`].
    pub fn parse(&self, file: &Path, text: &str) -> Result<Plan, PlanError> {
        let mut table = Source::new(file, text).parse()?;
        let (name, place) = table.text("name")?;
        if name.trim().is_empty() {
            return Err(place.error("name: expected a name, found an empty text"));
        }
        let (word, kind_place) = table.text("kind")?;
        let description = table.optional_text("description")?.map(|(text, _)| text);
        let default = table.flag("default")?.unwrap_or(false);
        let seeds = table.counts("seeds", 0)?;
        let Some(kind) = self.iter().find(|kind| kind.name() == word) else {
            let known: Vec<&str> = self.iter().map(Kind::name).collect();
            return Err(kind_place.error(unknown("kind", &word, &known)));
        };
        let folder = file.parent().unwrap_or(Path::new(""));
        let context = Context { folder, name: &name, seeds: seeds.as_deref() };
        let experiment = kind.read(&mut table, &context)?.into();
        table.finish()?;
        let seeds = seeds.unwrap_or_else(|| vec![0]);
        let (file, kind) = (file.to_path_buf(), kind.name());
        Ok(Plan { file, name, description, default, seeds, kind, experiment })
    }
}

/// The kind that a plan says it is of.
///
/// # Errors
///
/// A [`PlanError`] when the text is not TOML or has no kind.
pub fn kind_of(file: &Path, text: &str) -> Result<String, PlanError> {
    Source::new(file, text).parse()?.text("kind").map(|(kind, _)| kind)
}

/// Resolves a path in a plan.
///
/// # Errors
///
/// A [`PlanError`] at the place where it was named if there is no such file.
pub fn existing(folder: &Path, (path, place): &(String, Place)) -> Result<PathBuf, PlanError> {
    let path = folder.join(path);
    match std::fs::metadata(&path) {
        Ok(found) if found.is_file() => Ok(path),
        Ok(_) => Err(place.error(format!("expected a file, {} is a folder", path.display()))),
        Err(cause) => Err(place.error(format!("cannot open {}: {cause}", path.display()))),
    }
}

/// Checks that a plan has a table that it needs at least one of.
///
/// # Errors
///
/// A [`PlanError`] if there is none.
pub fn at_least_one(table: &Table, tables: &[Table], key: &str) -> Result<(), PlanError> {
    if tables.is_empty() {
        return Err(table.error(format!("the plan needs at least one [[{key}]]")));
    }
    Ok(())
}

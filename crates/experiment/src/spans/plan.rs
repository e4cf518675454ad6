//! Plans of kind `qa` whose answers are parts of passages.

use std::path::{Path, PathBuf};

use procrust_runner::{PlanError, Table, existing};

use crate::{
    shared::{
        encoder::EncoderPlan,
        encoders::{encoders, file_or_dataset},
        parts::methods,
    },
    tuning::plan::{TuneMethod, cells, labels},
};

/// Marks of start and end, trained upon encoders.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SpansPlan {
    /// Passages and questions in SQuAD's form; those that ship when `None`.
    pub file: Option<PathBuf>,
    /// Others to test on; the folds of `file` when `None`.
    pub test: Option<PathBuf>,
    /// Parts of the passages; each is tested with what the others taught.
    pub folds: usize,
    /// The encoders.
    pub encoders: Vec<EncoderPlan>,
    /// The methods.
    pub methods: Vec<TuneMethod>,
    /// Which method runs with which encoder, the one to compare with first.
    pub cells: Vec<(usize, usize)>,
    /// Where models are written.
    pub save: Option<PathBuf>,
}

impl SpansPlan {
    /// The labels of the methods.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        labels(&self.encoders, &self.methods, &self.cells)
    }

    pub(crate) fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        let file = file_or_dataset(folder, table, "passages")?;
        let test = table.optional_text("test")?.map(|test| existing(folder, &test)).transpose()?;
        let folds = table.count("folds", 2)?;
        if test.is_some() && (file.is_none() || folds.is_some()) {
            return Err(table.error("`test` goes with `file`, and without `folds`"));
        }
        let save = table.optional_text("save")?.map(|(path, _)| folder.join(path));
        if save.is_some() && test.is_none() {
            let message = "`save` goes with `test`: folds teach a model each";
            return Err(table.error(message));
        }
        let place = table.place();
        let encoders = encoders(folder, table)?;
        let (methods, _) = methods(table, |table| TuneMethod::parse(table, true))?;
        let cells = cells(&encoders, &methods);
        if cells.is_empty() {
            return Err(place.error("expected an encoder that can be trained on: minilm or bert"));
        }
        let folds = folds.unwrap_or(5);
        Ok(Self { file, test, folds, encoders, methods, cells, save })
    }
}

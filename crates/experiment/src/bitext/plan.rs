//! Plans of kind `bitext`: sentences and their translations.

use std::path::{Path, PathBuf};

use procrust_runner::{PlanError, Table};

use crate::{lexicon::plan::LexiconPlan, shared::encoders::file_or_dataset};

/// Sentences of two languages, found by aligned word vectors.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BitextPlan {
    /// The word vectors, the lexicon they are aligned by, the methods and how answers are found.
    pub lexicon: LexiconPlan,
    /// Two columns, a tab between them; the sentences that ship when `None`.
    pub file: Option<PathBuf>,
    /// `a` in the weights `a / (a + p(word))` of a sentence's words.
    pub smoothing: f64,
    /// Components that are taken out of each language's sentences.
    pub components: usize,
}

impl BitextPlan {
    pub(crate) fn parse(folder: &Path, table: &mut Table) -> Result<Self, PlanError> {
        let mut sentences = table
            .table("sentences")?
            .ok_or_else(|| table.error("a bitext plan needs the table [sentences]"))?;
        let file = file_or_dataset(folder, &mut sentences, "english-french-sentences")?;
        let smoothing = sentences.number("smoothing", 1e-9)?.unwrap_or(1e-3);
        let components = sentences.count("components", 0)?.unwrap_or(1);
        sentences.finish()?;
        let lexicon = LexiconPlan::parse(folder, table)?;
        Ok(Self { lexicon, file, smoothing, components })
    }
}

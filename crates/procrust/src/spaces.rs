//! Files of word vectors, read side by side.

use std::path::Path;

use anyhow::Context;
use procrust_experiment::{Space, shared::parts::WordSource};

/// Two files of word vectors, read side by side.
pub(crate) fn spaces(
    source: &Path,
    target: &Path,
    limit: Option<usize>,
) -> anyhow::Result<(Space, Space)> {
    let load = |path: &Path| {
        let file = WordSource::File { path: path.to_owned(), format: None };
        Space::load(&file, limit).with_context(|| format!("cannot use {}", path.display()))
    };
    let (source, target) = rayon::join(|| load(source), || load(target));
    Ok((source?, target?))
}

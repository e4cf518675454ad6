//! The task of `procrust-text`: sentences to rows.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use ndarray::Array2;
use procrust_text::{Bert, Encode};

/// The file of sentences, one a line, and the folder of the model.
const SENTENCES: &str = "sentences.txt";
const MODEL: &str = "model";

/// Writes the encoder that ships as a folder in full precision, and sentences; gives their tokens, one sentence behind
/// the other, and where each begins.
pub(crate) fn make(folder: &Path, count: usize) -> Result<[Vec<u32>; 2]> {
    let model = procrust_minilm::encoder();
    model.save(folder.join(MODEL))?;
    let sentences = procrust_benches::sentences(count);
    fs::write(folder.join(SENTENCES), sentences.join("\n"))?;
    let (mut ids, mut starts) = (Vec::new(), vec![0]);
    for sentence in &sentences {
        ids.extend(model.tokens(sentence).ids);
        starts.push(u32::try_from(ids.len()).context("there are few tokens")?);
    }
    Ok([ids, starts])
}

/// What [`make`] wrote.
pub(crate) fn open(folder: &Path) -> Result<(Bert, String)> {
    Ok((Bert::open(folder.join(MODEL))?, fs::read_to_string(folder.join(SENTENCES))?))
}

/// Tokens to the sentences' rows.
pub(crate) fn rows(model: &Bert, text: &str) -> Result<Array2<f32>> {
    Ok(model.encode(&text.lines().collect::<Vec<_>>())?.rows)
}

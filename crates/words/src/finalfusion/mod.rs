//! finalfusion files, by the library of that name.

mod map;
mod survey;
mod write;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use finalfusion::prelude::{Embeddings, MmapEmbeddings, StorageWrap, VocabWrap};
use finalfusion::storage::Storage;
use finalfusion::vocab::Vocab;
use rayon::prelude::*;

use crate::dirt::{Policy, Report};
use crate::embeddings::{Extras, Rows};
use crate::error::WordsError;
use crate::open::Source;
use survey::survey;

pub(crate) use map::map;
pub(crate) use write::{Header, check_metadata, norms as write_norms};

/// How a file starts.
pub(crate) const MAGIC: &[u8] = b"FiFu";

/// Rows that are reconstructed in one go.
const BLOCK: usize = 1024;

/// Reads the words of a finalfusion file and their vectors at their original length.
///
/// The library trusts the numbers in a file: it allocates what they say and panics where they
/// contradict each other. So the file is surveyed first. Vectors of subwords are left out.
pub(crate) fn read(
    path: &Path,
    source: &Source,
    limit: usize,
    policy: Policy,
) -> Result<(Rows, Report), WordsError> {
    if source.length.is_none() && source.sample.starts_with(MAGIC) {
        return Err(WordsError::Damaged {
            path: path.to_owned(),
            expected: "a finalfusion file".to_owned(),
            offset: 0,
            found: "a compressed one: unpack it first".to_owned(),
        });
    }
    let open =
        || File::open(path).map_err(|cause| WordsError::Open { path: path.to_owned(), cause });
    let metadata = survey(path, open()?, limit)?;

    let found: Embeddings<VocabWrap, StorageWrap> =
        Embeddings::mmap_embeddings(&mut BufReader::new(open()?)).map_err(|cause| {
            WordsError::Finalfusion { path: path.to_owned(), cause: Box::new(cause) }
        })?;
    let (_, vocab, storage, norms) = found.into_parts();
    let words = vocab.words();
    let words = &words[..words.len().min(limit)];
    let columns = storage.shape().1;

    let memory = || WordsError::Memory { rows: words.len(), columns };
    let len = words.len().checked_mul(columns).ok_or_else(memory)?;
    let mut values: Vec<f32> = Vec::new();
    values.try_reserve_exact(len).map_err(|_| memory())?;
    values.resize(len, 0.0);
    values.par_chunks_mut(BLOCK * columns).enumerate().for_each(|(block, values)| {
        let start = block * BLOCK;
        let indices: Vec<usize> = (start..start + values.len() / columns).collect();
        let vectors = storage.embeddings(&indices);
        for ((row, vector), target) in
            indices.into_iter().zip(vectors.outer_iter()).zip(values.chunks_exact_mut(columns))
        {
            // Vectors are stored at unit length, beside the length that they had.
            let norm = norms.as_ref().map_or(1.0, |norms| norms[row]);
            for (target, value) in target.iter_mut().zip(vector) {
                *target = value * norm;
            }
        }
    });
    let norms = norms.map(|norms| norms.iter().take(words.len()).copied().collect());
    let words = words.iter().map(String::as_str);
    Ok(Rows::of(words, values, columns, Extras { norms, metadata }, policy))
}

/// The first `limit` norms of a chunk.
fn norms_of(bytes: &[u8], limit: usize) -> Vec<f32> {
    let (numbers, _) = bytes.as_chunks::<4>();
    numbers.iter().take(limit).map(|&number| f32::from_le_bytes(number)).collect()
}

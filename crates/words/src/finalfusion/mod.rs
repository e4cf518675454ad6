//! finalfusion files, by the library of that name.

mod map;
mod survey;
mod write;

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use finalfusion::prelude::{Embeddings, MmapEmbeddings, StorageWrap, VocabWrap};
use finalfusion::storage::Storage;
use finalfusion::subword::{BucketIndexer, Indexer};
use finalfusion::vocab::{SubwordVocab, Vocab};
use rayon::prelude::*;

use crate::dirt::Report;
use crate::embeddings::{Extras, Rows};
use crate::error::WordsError;
use crate::open::{OpenOptions, Source};
use crate::subwords::{Cut, Find, Subwords, Table};
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
/// contradict each other. So the file is surveyed first. Vectors of n-grams are left out unless
/// the options say otherwise.
pub(crate) fn read(
    path: &Path,
    source: &Source,
    options: &OpenOptions,
    limit: usize,
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
    let metadata = survey(path, open()?, limit, options.subwords)?;

    let found: Embeddings<VocabWrap, StorageWrap> =
        Embeddings::mmap_embeddings(&mut BufReader::new(open()?)).map_err(|cause| {
            WordsError::Finalfusion { path: path.to_owned(), cause: Box::new(cause) }
        })?;
    let (_, vocab, storage, norms) = found.into_parts();
    let words = vocab.words();
    let words = &words[..words.len().min(limit)];
    let columns = storage.shape().1;

    let mut values = reconstruct(&storage, 0, words.len())?;
    if let Some(norms) = &norms {
        // Vectors are stored at unit length, beside the length that they had.
        values.par_chunks_mut(columns).enumerate().for_each(|(row, vector)| {
            vector.iter_mut().for_each(|value| *value *= norms[row]);
        });
    }
    let norms = norms.map(|norms| norms.iter().take(words.len()).copied().collect());
    let (words, extras) = (words.iter().map(String::as_str), Extras { norms, metadata });
    let (mut rows, report) = Rows::of(words, values, columns, extras, options.policy);
    if options.subwords
        && let Some((cut, count)) = cut(&vocab)
    {
        let values = reconstruct(&storage, vocab.words_len(), count)?;
        rows.subwords = Some(Subwords::new(Table::Dense { values, columns }, cut));
    }
    Ok((rows, report))
}

/// So many rows from one on.
fn reconstruct(storage: &StorageWrap, first: usize, rows: usize) -> Result<Vec<f32>, WordsError> {
    let columns = storage.shape().1;
    let memory = || WordsError::Memory { rows, columns };
    let len = rows.checked_mul(columns).ok_or_else(memory)?;
    let mut values: Vec<f32> = Vec::new();
    values.try_reserve_exact(len).map_err(|_| memory())?;
    values.resize(len, 0.0);
    values.par_chunks_mut(BLOCK * columns).enumerate().for_each(|(block, values)| {
        let start = first + block * BLOCK;
        let indices: Vec<usize> = (start..start + values.len() / columns).collect();
        let vectors = storage.embeddings(&indices);
        values.iter_mut().zip(&vectors).for_each(|(target, &value)| *target = value);
    });
    Ok(values)
}

/// The first `limit` norms of a chunk.
fn norms_of(bytes: &[u8], limit: usize) -> Vec<f32> {
    let (numbers, _) = bytes.as_chunks::<4>();
    numbers.iter().take(limit).map(|&number| f32::from_le_bytes(number)).collect()
}

/// How a vocabulary finds n-grams, and the number of their rows; `None` if it has none.
fn cut(vocab: &VocabWrap) -> Option<(Cut, usize)> {
    fn of<I: Indexer>(vocab: &SubwordVocab<I>, find: Find) -> (Cut, usize) {
        let cut = Cut {
            shortest: vocab.min_n() as usize,
            longest: vocab.max_n() as usize,
            begin: vocab.bow().to_owned(),
            end: vocab.eow().to_owned(),
            original: false,
            find,
        };
        (cut, vocab.indexer().upper_bound() as usize)
    }
    match vocab {
        VocabWrap::SimpleVocab(_) => None,
        VocabWrap::BucketSubwordVocab(vocab) => {
            Some(of(vocab, Find::Characters { mask: vocab.indexer().upper_bound() - 1 }))
        }
        VocabWrap::FastTextSubwordVocab(vocab) => {
            let buckets = vocab.indexer().buckets() as u32;
            Some(of(vocab, Find::FastText { buckets, pruned: None }))
        }
        VocabWrap::ExplicitSubwordVocab(vocab) => {
            Some(of(vocab, Find::Listed(vocab.indexer().clone())))
        }
        VocabWrap::FloretSubwordVocab(vocab) => {
            let indexer = vocab.indexer();
            let (buckets, seed) = (indexer.n_buckets(), indexer.seed());
            let hashes = indexer.n_hashes() as usize;
            Some(of(vocab, Find::Floret { buckets, hashes, seed }))
        }
    }
}

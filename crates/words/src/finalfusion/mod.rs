//! finalfusion files, by the library of that name.

mod map;
mod survey;
mod write;

use std::io::{BufReader, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;

use finalfusion::prelude::{Embeddings, MmapEmbeddings, StorageWrap, VocabWrap};
use finalfusion::storage::Storage;
use finalfusion::subword::{BucketIndexer, Indexer};
use finalfusion::vocab::{SubwordVocab, Vocab};
use rayon::prelude::*;

use crate::dirt::{Position, Report};
use crate::embeddings::{Extras, Rows};
use crate::error::WordsError;
use crate::open::{OpenOptions, Source};
use crate::sink::{Each, Offered, Sink};
use crate::stream::Row;
use crate::subwords::{Cut, Find, Subwords, Table};
use crate::values::rows_at_once;
use survey::survey;

pub(crate) use map::map;
pub(crate) use write::{Header, check_metadata, norms as write_norms};

/// How a file starts.
pub(crate) const MAGIC: &[u8] = b"FiFu";

/// Rows that are reconstructed in one go.
const BLOCK: usize = 1024;

/// Reads the words of a finalfusion file and their vectors at their original length.
///
/// Vectors of n-grams are left out unless the options say otherwise.
pub(crate) fn read(
    path: &Path,
    source: Source,
    options: &OpenOptions,
    limit: usize,
) -> Result<(Rows, Report), WordsError> {
    let Found { metadata, vocab, storage, norms } = Found::open(path, source, options, limit)?;
    let words = vocab.words();
    let words = &words[..words.len().min(limit)];
    let columns = storage.shape().1;

    let mut values = reconstruct(&storage, 0, words.len())?;
    if let Some(norms) = &norms {
        lengthen(&mut values, &norms[..words.len()]);
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

/// Hands on the words of a file and their vectors at their original length, some rows at a time.
pub(crate) fn stream<F: FnMut(Row<'_>) -> ControlFlow<()>>(
    path: &Path,
    source: Source,
    options: &OpenOptions,
    limit: usize,
    sink: &mut Each<F>,
) -> Result<Report, WordsError> {
    let Found { metadata, vocab, storage, norms } = Found::open(path, source, options, limit)?;
    let words = vocab.words();
    let words = &words[..words.len().min(limit)];
    let columns = storage.shape().1;
    sink.start(columns)?;
    sink.set_metadata(metadata);
    let (policy, block) = (options.policy, rows_at_once(columns));
    if options.subwords
        && let Some((_, count)) = cut(&vocab)
    {
        check_ngrams(&storage, vocab.words_len(), count).map_err(|error| error.in_file(path))?;
    }
    let mut report = Report::default();
    for (i, words) in words.chunks(block).enumerate() {
        let first = i * block;
        let mut values = reconstruct(&storage, first, words.len())?;
        let norms = norms.as_ref().map(|norms| &norms[first..first + words.len()]);
        if let Some(norms) = norms {
            lengthen(&mut values, norms);
        }
        for (row, (word, values)) in words.iter().zip(values.chunks_exact(columns)).enumerate() {
            if sink.full() {
                return Ok(report);
            }
            let position = Position::Row { row: (first + row) as u64 + 1, offset: None };
            let norm = norms.map(|norms| norms[row]);
            sink.offer(Offered { word: Ok(word), values, norm, position, policy }, &mut report)?;
        }
    }
    Ok(report)
}

/// An error unless so many rows of n-grams are finite, which are from row `first` on.
fn check_ngrams(storage: &StorageWrap, first: usize, count: usize) -> Result<(), WordsError> {
    let columns = storage.shape().1;
    let block = rows_at_once(columns);
    for start in (0..count).step_by(block) {
        let values = reconstruct(storage, first + start, block.min(count - start))?;
        if let Some(at) = values.iter().position(|value| !value.is_finite()) {
            let (row, column, value) = (start + at / columns, at % columns, values[at]);
            return Err(WordsError::NonFiniteSubword { row, column, value });
        }
    }
    Ok(())
}

/// The parts of a file.
struct Found {
    metadata: Option<String>,
    vocab: VocabWrap,
    /// In the file.
    storage: StorageWrap,
    norms: Option<Vec<f32>>,
}

impl Found {
    /// The library trusts the numbers in a file: it allocates what they say and panics where they
    /// contradict each other. So the file is surveyed first.
    fn open(
        path: &Path,
        source: Source,
        options: &OpenOptions,
        limit: usize,
    ) -> Result<Self, WordsError> {
        let mut file = source.into_file(path)?;
        let again = file.try_clone().map_err(WordsError::read(path))?;
        let metadata = survey(path, again, limit, options.subwords)?;
        file.seek(SeekFrom::Start(0)).map_err(WordsError::read(path))?;
        let found: Embeddings<VocabWrap, StorageWrap> =
            Embeddings::mmap_embeddings(&mut BufReader::new(file)).map_err(|cause| {
                WordsError::Finalfusion { path: path.to_owned(), cause: Box::new(cause) }
            })?;
        let (_, vocab, storage, norms) = found.into_parts();
        let norms = norms.map(|norms| norms.iter().copied().collect());
        Ok(Self { metadata, vocab, storage, norms })
    }
}

/// Gives unit vectors, which are stored beside the lengths that they had, these lengths again.
fn lengthen(values: &mut [f32], norms: &[f32]) {
    let columns = values.len() / norms.len().max(1);
    values.par_chunks_mut(columns.max(1)).zip(norms).for_each(|(vector, &norm)| {
        vector.iter_mut().for_each(|value| *value *= norm);
    });
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

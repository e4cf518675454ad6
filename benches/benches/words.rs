//! Loading word vectors: 100,000 words of 300 columns, as text and in word2vec's binary format.
//!
//! The baseline is finalfusion's reader of text, on the same file in the same run; it also brings
//! the vectors to unit length. Throughput is in bytes of the file. On a machine that others use as
//! well, the times of one reader and those of the next are far apart, so the ratios are also taken
//! from pairs, one reader right after the other, and printed first.

use std::fs::File;
use std::hint::black_box;
use std::io::{BufReader, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Instant;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use finalfusion::prelude::{Embeddings as Reference, ReadTextDims};
use finalfusion::storage::NdArray;
use finalfusion::vocab::SimpleVocab;
use procrust_words::{Embeddings, OpenOptions, stream};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SEED: u64 = 11;
const WORDS: usize = 100_000;
const DIM: usize = 300;
const PAIRS: usize = 7;

/// Writes the same vectors in both formats: values of six decimals, as most files have them.
fn write(text: &Path, binary: &Path) -> std::io::Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut text = BufWriter::new(File::create(text)?);
    let mut binary = BufWriter::new(File::create(binary)?);
    writeln!(text, "{WORDS} {DIM}")?;
    writeln!(binary, "{WORDS} {DIM}")?;
    for word in 0..WORDS {
        write!(text, "word{word}")?;
        write!(binary, "word{word} ")?;
        for _ in 0..DIM {
            let value = rng.random_range(-999_999..1_000_000_i32);
            let (sign, decimals) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
            write!(text, " {sign}0.{decimals:06}")?;
            let nearest = (f64::from(value) / 1e6) as f32;
            binary.write_all(&nearest.to_le_bytes())?;
        }
        writeln!(text)?;
        writeln!(binary)?;
    }
    text.flush()?;
    binary.flush()
}

fn ours(path: &Path) -> Embeddings {
    Embeddings::open(path, &OpenOptions::default()).unwrap()
}

fn finalfusion(path: &Path) -> Reference<SimpleVocab, NdArray> {
    Reference::read_text_dims(&mut BufReader::new(File::open(path).unwrap())).unwrap()
}

/// The same words and values: ours bit for bit from both files, finalfusion's up to the rounding of
/// a division by the norm and a product with it.
fn check(text: &Path, binary: &Path) {
    let found = ours(text);
    assert_eq!((found.len(), found.dim()), (WORDS, DIM));
    let same = ours(binary);
    assert_eq!(found.words(), same.words());
    assert_eq!(found.vectors(), same.vectors());
    let reference = finalfusion(text);
    for word in found.words() {
        let expected = reference.embedding_with_norm(word).unwrap().into_unnormalized();
        for (found, expected) in found.vector(word).unwrap().iter().zip(&expected) {
            assert!((found - expected).abs() <= 4.0 * f32::EPSILON * expected.abs());
        }
    }
}

/// Prints how many times faster ours is, pair by pair.
fn pairs(text: &Path) {
    let seconds = |read: &dyn Fn()| {
        let start = Instant::now();
        read();
        start.elapsed().as_secs_f64()
    };
    let mut ratios: Vec<f64> = (0..PAIRS)
        .map(|_| {
            seconds(&|| drop(black_box(finalfusion(text))))
                / seconds(&|| drop(black_box(ours(text))))
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    println!("words/load/text: times faster than finalfusion, {PAIRS} pairs: {ratios:.2?}");
}

fn load(c: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let (text, binary) = (directory.path().join("text"), directory.path().join("binary"));
    write(&text, &binary).unwrap();
    check(&text, &binary);
    pairs(&text);

    let size = format!("{WORDS}x{DIM}");
    let mut group = c.benchmark_group("words/load");
    group.sample_size(10);
    group.throughput(Throughput::Bytes(text.metadata().unwrap().len()));
    group.bench_function(BenchmarkId::new("text", &size), |b| b.iter(|| ours(&text)));
    group.bench_function(BenchmarkId::new("text-stream", &size), |b| {
        b.iter(|| {
            stream(&text, &OpenOptions::default(), |_, _| ControlFlow::Continue(())).unwrap()
        });
    });
    group.bench_function(BenchmarkId::new("finalfusion-text", &size), |b| {
        b.iter(|| finalfusion(&text));
    });
    group.throughput(Throughput::Bytes(binary.metadata().unwrap().len()));
    group.bench_function(BenchmarkId::new("word2vec-binary", &size), |b| b.iter(|| ours(&binary)));
    group.finish();
}

criterion_group!(benches, load);
criterion_main!(benches);

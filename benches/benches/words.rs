//! Loading word vectors: 100,000 words of 300 columns (or `PROCRUST_BENCH_WORDS` of them), as text and
//! in word2vec's binary format.
//!
//! The baseline is finalfusion's reader of text, on the same file in the same run; it also brings
//! the vectors to unit length. Throughput is in bytes of the file. On a machine that others use as
//! well, the times of one reader and those of the next are far apart, so the ratios are also taken
//! from pairs, one reader right after the other, and printed first. So is what they are in the processors'
//! time, which others disturb less: finalfusion's reader has one thread, ours all, so on `n` cores ours
//! can be up to `n` times this faster. Copying memory, on one thread, is a yardstick for the machine.

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
use procrust_words::{Embeddings, OpenOptions, WriteOptions, Writer, stream};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

const SEED: u64 = 11;
const DIM: usize = 300;
const PAIRS: usize = 7;

/// The number of words.
fn words() -> usize {
    let given = std::env::var("PROCRUST_BENCH_WORDS").ok();
    given.map_or(100_000, |text| text.parse().expect("PROCRUST_BENCH_WORDS is a number"))
}

/// Writes the same vectors in both formats: values of six decimals, as most files have them.
fn write(text: &Path, binary: &Path) -> std::io::Result<()> {
    let mut rng = ChaCha8Rng::seed_from_u64(SEED);
    let mut text = BufWriter::new(File::create(text)?);
    let mut binary = BufWriter::new(File::create(binary)?);
    let words = words();
    writeln!(text, "{words} {DIM}")?;
    writeln!(binary, "{words} {DIM}")?;
    for word in 0..words {
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
    assert_eq!((found.len(), found.dim()), (words(), DIM));
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

/// Prints how many times faster ours is, pair by pair, and how fast word2vec's binary format is read.
fn pairs(text: &Path, binary: &Path) {
    let (mut ratios, mut processor, mut speeds) = (Vec::new(), Vec::new(), Vec::new());
    let mut copying = Vec::new();
    let bytes = binary.metadata().unwrap().len() as f64;
    let (from, mut to) = (vec![1_u8; 64 << 20], vec![0_u8; 64 << 20]);
    for _ in 0..PAIRS {
        let theirs = times(|| drop(black_box(finalfusion(text))));
        let ours_text = times(|| drop(black_box(ours(text))));
        ratios.push(theirs.0 / ours_text.0);
        processor.extend(theirs.1.zip(ours_text.1).map(|(theirs, ours)| theirs / ours));
        speeds.push(bytes / times(|| drop(black_box(ours(binary)))).0 / 1e9);
        let copied = times(|| black_box(&mut to).copy_from_slice(black_box(&from)));
        copying.push(from.len() as f64 / copied.0 / 1e9);
    }
    for (what, mut figures) in [
        ("text: times faster than finalfusion", ratios),
        ("text: times less of the processors' time than finalfusion", processor),
        ("word2vec-binary: GB/s", speeds),
        ("(copying memory: GB/s)", copying),
    ] {
        figures.sort_by(f64::total_cmp);
        println!("words/load/{what}, {PAIRS} pairs: {figures:.2?}");
    }
}

/// The seconds that a call takes, by the clock and, where the system tells, of the processors.
fn times(call: impl FnOnce()) -> (f64, Option<f64>) {
    let (start, used) = (Instant::now(), processor_seconds());
    call();
    let seconds = start.elapsed().as_secs_f64();
    (seconds, processor_seconds().zip(used).map(|(after, before)| after - before))
}

/// The time that all threads of this process have had, in steps of a hundredth of a second.
fn processor_seconds() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program, in parentheses, is the second field; the times are 14 and 15.
    let fields: Vec<&str> = status.rsplit(')').next()?.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

fn load(c: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let (text, binary) = (directory.path().join("text"), directory.path().join("binary"));
    write(&text, &binary).unwrap();
    check(&text, &binary);
    pairs(&text, &binary);

    let size = format!("{}x{DIM}", words());
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

/// Text to each format and back, row by row.
fn convert(c: &mut Criterion) {
    let directory = tempfile::tempdir().unwrap();
    let (text, binary) = (directory.path().join("text"), directory.path().join("binary"));
    write(&text, &binary).unwrap();
    let convert = |from: &Path, to: &Path| {
        let options = WriteOptions::default();
        let mut writer = Writer::create(to, DIM, &options).unwrap();
        let report = stream(from, &OpenOptions::default(), |word, row| {
            writer.push(word, row).unwrap();
            ControlFlow::Continue(())
        });
        report.unwrap();
        writer.finish().unwrap();
    };
    let size = format!("{}x{DIM}", words());
    let mut group = c.benchmark_group("words/convert");
    group.sample_size(10);
    for (from, name) in [(&text, "out.bin"), (&text, "out.npy"), (&binary, "out.vec")] {
        let to = directory.path().join(name);
        convert(from, &to);
        let (first, second) = (ours(from), ours(&to));
        assert_eq!(first.vectors(), second.vectors());
        group.throughput(Throughput::Bytes(from.metadata().unwrap().len()));
        let from_name = from.file_name().unwrap().display();
        group.bench_function(BenchmarkId::new(format!("{from_name}-to-{name}"), &size), |b| {
            b.iter(|| convert(from, &to));
        });
    }
    group.finish();
}

criterion_group!(benches, load, convert);
criterion_main!(benches);

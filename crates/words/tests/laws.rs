//! What holds for all files.

mod common;

use common::{Files, TEXT, finalfusion, finalfusion_subwords, golden, quantized, word2vec_binary};
use ndarray::Array2;
use procrust_words::{Embeddings, Format, How, Lookup, OpenOptions, Policy};
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// Some words (duplicates among them) and their vectors.
fn vectors() -> impl Strategy<Value = (Vec<String>, Array2<f32>)> {
    let value = any::<f32>().prop_filter("finite", |value| value.is_finite());
    (1_usize..20, 1_usize..7).prop_flat_map(move |(rows, columns)| {
        let words = prop::collection::vec("[a-cé日]{1,2}", rows);
        let values = prop::collection::vec(value.clone(), rows * columns);
        (words, values).prop_map(move |(words, values)| {
            (words, Array2::from_shape_vec((rows, columns), values).unwrap())
        })
    })
}

fn text(words: &[String], vectors: &Array2<f32>) -> String {
    let mut text = String::new();
    for (word, vector) in words.iter().zip(vectors.outer_iter()) {
        text += word;
        for value in vector {
            text += &format!(" {value}");
        }
        text += "\n";
    }
    text
}

fn binary(words: &[String], vectors: &Array2<f32>) -> Vec<u8> {
    let mut bytes = format!("{} {}\n", vectors.nrows(), vectors.ncols()).into_bytes();
    for (word, vector) in words.iter().zip(vectors.outer_iter()) {
        bytes.extend(word.as_bytes());
        bytes.push(b' ');
        bytes.extend(vector.iter().flat_map(|value| value.to_le_bytes()));
        bytes.push(b'\n');
    }
    bytes
}

fn open(files: &Files, contents: impl AsRef<[u8]>, format: Format) -> Embeddings {
    let mut options = OpenOptions::default();
    options.format = Some(format);
    Embeddings::open(files.write("file", contents), &options).unwrap()
}

/// Good files of every format.
fn good_files() -> Vec<Vec<u8>> {
    let mut files = vec![TEXT.as_bytes().to_vec(), word2vec_binary(), finalfusion(), quantized()];
    files.extend(finalfusion_subwords());
    files.extend(["two.bin", "one.bin", "labels.bin", "pruned.ftz", "two.floret"].map(golden));
    files
}

fn lookup_everything() -> Lookup {
    let mut lookup = Lookup::default();
    (lookup.lowercase, lookup.subwords) = (true, true);
    lookup
}

proptest! {
    /// What is written is read, bit for bit.
    #[test]
    fn round_trips((words, vectors) in vectors()) {
        let files = Files::new();
        let expected = Embeddings::new(words.clone(), vectors.clone()).unwrap();
        let text = text(&words, &vectors);
        let header = format!("{} {}\n{text}", words.len(), vectors.ncols());
        for found in [
            open(&files, text, Format::Text),
            open(&files, header, Format::Text),
            open(&files, binary(&words, &vectors), Format::Word2VecBinary),
        ] {
            prop_assert_eq!(found.words(), expected.words());
            prop_assert_eq!(found.duplicates(), expected.duplicates());
            let bits = |found: &Embeddings| found.vectors().mapv(f32::to_bits);
            prop_assert_eq!(bits(&found), bits(&expected));
        }
        for (row, word) in expected.words().iter().enumerate() {
            prop_assert_eq!(expected.position(word), Some(row));
        }
    }

    /// Files with changed and missing bytes are read or refused, without a panic.
    #[test]
    fn damage_does_not_panic(
        good in select(good_files()),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        numbers in prop::option::of((any::<Index>(), select(vec![0, 1, u32::MAX, 1 << 31]))),
        cut in prop::option::of(any::<Index>()),
        format in prop::option::of(
            select(vec![
                Format::Text,
                Format::Word2VecBinary,
                Format::Finalfusion,
                Format::FastText,
                Format::Floret,
            ])
        ),
        limit in prop::option::of(1_usize..4),
        subwords: bool,
        policy in select(vec![Policy::Error, Policy::Skip, Policy::Lossy]),
    ) {
        let mut bytes = good;
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some((at, number)) = numbers {
            let at = at.index(bytes.len() - 3);
            bytes[at..at + 4].copy_from_slice(&u32::to_le_bytes(number));
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let files = Files::new();
        let mut options = OpenOptions::default();
        (options.format, options.limit, options.subwords) = (format, limit, subwords);
        options.policy = policy;
        if let Ok(found) = Embeddings::open(files.write("file", bytes), &options) {
            prop_assert!(found.len() <= limit.unwrap_or(usize::MAX));
            prop_assert!(found.vectors().iter().all(|value| value.is_finite()));
            prop_assert!(!found.is_empty() || found.subwords().is_some());
            let words = ["bett", "Gast", "xyz", "</s>", "", "\u{10ffff}été"];
            let many = found.lookup_many(&words, &lookup_everything());
            prop_assert!(many.vectors.iter().all(|value| value.is_finite()));
        }
    }

    /// Damage within the first bytes, where all numbers of a model stand.
    #[test]
    fn damaged_models_do_not_panic(
        good in select(["two.bin", "labels.bin", "pruned.ftz", "quantized.ftz"].map(golden).to_vec()),
        at in 4_usize..92,
        number in select(vec![0, 1, -1, 2, 255, 1 << 31, 1 << 60, i64::MIN, i64::MAX]),
        wide: bool,
        subwords: bool,
    ) {
        let mut bytes = good;
        let number = number.to_le_bytes();
        let len = if wide { 8 } else { 4 };
        bytes[at..at + len].copy_from_slice(&number[..len]);
        let files = Files::new();
        let mut options = OpenOptions::default();
        options.subwords = subwords;
        if let Ok(found) = Embeddings::open(files.write("file", bytes), &options) {
            let _ = found.lookup_many(&["bett", "xyz"], &lookup_everything());
        }
    }

    /// Many lookups are lookups of each, for any number of threads.
    #[test]
    fn many_is_each(
        words in prop::collection::vec("[A-Zäöa-z客]{0,9}|bett|Gast|the|</s>", 0..40),
        lowercase: bool,
        subwords: bool,
        threads in 1_usize..4,
        name in select(vec!["two.bin", "one.bin", "none.bin", "two.floret"]),
    ) {
        let files = Files::new();
        let mut options = OpenOptions::default();
        options.subwords = true;
        let found = Embeddings::open(files.write("file", golden(name)), &options).unwrap();
        let mut lookup = Lookup::default();
        (lookup.lowercase, lookup.subwords) = (lowercase, subwords);

        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let many = pool.install(|| found.lookup_many(&words, &lookup));
        prop_assert_eq!(many.vectors.dim(), (words.len(), 6));
        for (row, word) in words.iter().enumerate() {
            match found.lookup(word, &lookup) {
                None => {
                    prop_assert_eq!(many.how[row], None);
                    prop_assert!(many.vectors.row(row).iter().all(|&value| value == 0.0));
                }
                Some(one) => {
                    prop_assert_eq!(many.how[row], Some(one.how));
                    prop_assert_eq!(many.vectors.row(row), one.vector.view());
                    prop_assert!(one.how != How::Word || found.position(word).is_some());
                    prop_assert!(lowercase || one.how != How::Lowercase);
                    prop_assert!(subwords || one.how != How::Subwords);
                }
            }
        }
        let counted = [How::Word, How::Lowercase, How::Subwords].map(|how| many.count(how));
        prop_assert_eq!(counted.iter().sum::<usize>() + many.unknown(), words.len());
    }
}

/// Enough lines for several blocks.
#[test]
fn parallel_equals_serial() {
    let files = Files::new();
    let words: Vec<String> = (0..30_000).map(|i| format!("word{}", i % 29_000)).collect();
    let vectors = Array2::from_shape_fn((30_000, 5), |(i, j)| (i as f32 + 0.1) / (j as f32 - 2.5));
    let path = files.write("file", text(&words, &vectors));
    let with = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Embeddings::open(&path, &OpenOptions::default()).unwrap())
    };
    let serial = with(1);
    assert_eq!((serial.len(), serial.duplicates()), (29_000, 1_000));
    for threads in [2, 5] {
        let parallel = with(threads);
        assert_eq!(parallel.words(), serial.words());
        assert_eq!(parallel.vectors(), serial.vectors());
    }
}

//! What holds for all files.

mod common;

use common::{Files, TEXT, finalfusion, quantized, word2vec_binary};
use ndarray::Array2;
use procrust_words::{Embeddings, Format, OpenOptions};
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
        good in select(vec![TEXT.as_bytes().to_vec(), word2vec_binary(), finalfusion(), quantized()]),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        numbers in prop::option::of((any::<Index>(), select(vec![0, 1, u32::MAX, 1 << 31]))),
        cut in prop::option::of(any::<Index>()),
        format in prop::option::of(
            select(vec![Format::Text, Format::Word2VecBinary, Format::Finalfusion])
        ),
        limit in prop::option::of(1_usize..4),
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
        (options.format, options.limit) = (format, limit);
        if let Ok(found) = Embeddings::open(files.write("file", bytes), &options) {
            prop_assert!(found.len() <= limit.unwrap_or(usize::MAX));
            prop_assert!(found.vectors().iter().all(|value| value.is_finite()));
        }
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

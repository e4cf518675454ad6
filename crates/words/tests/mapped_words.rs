//! Words of mapped files, which are checked when the file is opened and read when one is looked at.

mod common;

use std::path::Path;

use common::{Files, options};
use procrust_words::{Embeddings, OpenOptions, WriteOptions, Writer};
use proptest::prelude::*;

fn mapped(path: &Path, limit: Option<usize>) -> Result<Embeddings, procrust_words::WordsError> {
    Embeddings::open(
        path,
        &options(|o| {
            o.map = true;
            o.limit = limit;
        }),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// The same words as without mapping, however they are come by first.
    #[test]
    fn as_they_were_written(
        words in prop::collection::hash_set("[a-cé€𝄞]{0,3}|[a-c]{126,300}", 1..40),
        limit in 1_usize..50,
    ) {
        let files = Files::new();
        let words: Vec<String> = words.into_iter().collect();
        for name in ["x.fifu", "x.npy", "x.safetensors"] {
            let path = files.path(name);
            let mut writer = Writer::create(&path, 1, &WriteOptions::default()).unwrap();
            for (row, word) in words.iter().enumerate() {
                writer.push(word, &[row as f32]).unwrap();
            }
            writer.finish().unwrap();
            for limit in [None, Some(limit)] {
                let kept = limit.unwrap_or(usize::MAX).min(words.len());
                let open = || mapped(&path, limit).unwrap();
                assert_eq!(open().words().len(), kept);
                assert_eq!(open().words(), &words[..kept]);
                assert_eq!(open().words().get(kept - 1), Some(&*words[kept - 1]));
                assert_eq!(open().words().get(kept), None);
                assert_eq!(open().position(&words[kept - 1]), Some(kept - 1));
                assert_eq!(open().clone().into_parts().0, &words[..kept]);
                let read = Embeddings::open(&path, &options(|o| o.limit = limit)).unwrap();
                let found = open();
                assert_eq!(found.words(), read.words());
                found.check().unwrap();
            }
        }
    }
}

/// Carriage returns belong to words of safetensors, and end the lines of a list.
#[test]
fn carriage_returns() {
    let files = Files::new();
    let path = files.path("x.safetensors");
    let mut writer = Writer::create(&path, 1, &WriteOptions::default()).unwrap();
    writer.push("a\r", &[1.0]).unwrap();
    writer.push("b", &[2.0]).unwrap();
    writer.finish().unwrap();
    assert_eq!(mapped(&path, None).unwrap().words(), ["a\r", "b"]);

    let list = files.write("list", "a\r\nb\r\n");
    let opened = |map| {
        let chosen = options(|o| {
            o.map = map;
            o.words = Some(list.clone());
        });
        Embeddings::open(&path, &chosen).unwrap().words().to_vec()
    };
    assert_eq!((opened(true), opened(false)), (opened(false), vec!["a".into(), "b".into()]));
}

/// A file in safetensors of two rows and a tensor of words.
fn with_words(dtype: &str, shape: &str, words: &[u8]) -> Vec<u8> {
    let end = 8 + words.len();
    let mut json = format!(
        "{{\"vectors\":{{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}},\
         \"words\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[8,{end}]}}}}"
    );
    json.extend(std::iter::repeat_n(' ', 8 - json.len() % 8));
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend(json.as_bytes());
    bytes.extend([0; 8]);
    bytes.extend(words);
    bytes
}

/// What is wrong with words is said when the file is opened, mapped or not.
#[test]
fn bad_words() {
    let files = Files::new();
    let message = |map: bool| {
        let found = Embeddings::open(files.path("x.safetensors"), &options(|o| o.map = map));
        found.map_or_else(|error| files.message(&error), |found| format!("{:?}", found.words()))
    };
    for (dtype, shape, words, expected) in [
        ("U8", "[4]", &b"a\nb\n"[..], r#"["a", "b"]"#),
        ("U8", "[3]", b"a\nb", r#"["a", "b"]"#),
        ("U8", "[3]", b"\nb\n", r#"["", "b"]"#),
        ("U8", "[2]", b"a\n", "x.safetensors: expected 2 words, one for each vector, found 1"),
        ("U8", "[0]", b"", "x.safetensors: expected 2 words, one for each vector, found 0"),
        ("U8", "[4]", b"a\n\xff\n", "x.safetensors:2: the word is not UTF-8: `\u{fffd}`"),
        ("U8", "[3]", b"a\n", "cannot read x.safetensors as safetensors: "),
        // Other tensors of the name are no words.
        ("I8", "[4]", b"a\nb\n", "no words for x.safetensors: expected them, one a line, in "),
        ("U8", "[2,2]", b"a\nb\n", "no words for x.safetensors: expected them, one a line, in "),
    ] {
        files.write("x.safetensors", with_words(dtype, shape, words));
        assert!(message(false).starts_with(expected), "{}", message(false));
        assert_eq!(message(true), message(false));
    }

    let npy = files.path("y.npy");
    let mut writer = Writer::create(&npy, 1, &WriteOptions::default()).unwrap();
    writer.push("a", &[1.0]).unwrap();
    writer.push("b", &[2.0]).unwrap();
    writer.finish().unwrap();
    for list in [&b"a\n"[..], b"a\nb\nc\n", b"a\n\xff", b"", b"\x1f\x8b broken"] {
        files.write("y.words.txt", list);
        let message = |map: bool| {
            let found = Embeddings::open(&npy, &options(|o| o.map = map));
            files.message(&found.unwrap_err())
        };
        assert_eq!(message(true), message(false), "{list:?}");
    }
    std::fs::remove_file(files.path("y.words.txt")).unwrap();
    assert!(mapped(&npy, None).unwrap_err().to_string().starts_with("no words for "));
    assert!(Embeddings::open(&npy, &OpenOptions::default()).is_err());
}

/// A promise of columns without rows: nothing to multiply it with.
#[test]
fn columns_without_rows_are_no_vectors() {
    let folder = tempfile::tempdir().unwrap();
    let header = r#"{"__metadata__":{"words":""},"embeddings":{"dtype":"F32","shape":[0,9999999999999999125],"data_offsets":[0,0]}}"#;
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    let path = folder.path().join("x.safetensors");
    std::fs::write(&path, bytes).unwrap();
    for map in [false, true] {
        let mut options = OpenOptions::default();
        options.map = map;
        let error = Embeddings::open(&path, &options).unwrap_err();
        let cause =
            std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string);
        let expected = "0 vectors of 9999999999999999125 dimensions: expected at least one of each";
        assert_eq!(cause, expected, "{map}: {error:?}");
    }
}

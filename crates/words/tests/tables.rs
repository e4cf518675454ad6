//! Parquet: files of other programs, by `golden/tables.py`, nulls under every policy, damage.
#![cfg(feature = "parquet")]

mod common;

use std::path::PathBuf;

use common::{Files, options};
use procrust_words::{Embeddings, Format, OpenOptions, Policy};
use proptest::prelude::*;
use proptest::sample::{Index, select};

const NAMES: [&str; 9] = [
    "fixed",
    "double",
    "plain",
    "polars",
    "polars-list",
    "pandas",
    "delta-length",
    "delta-prefix",
    "nulls",
];

fn golden(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    folder.join(format!("{name}.parquet"))
}

#[test]
fn tables_of_other_programs() {
    let npy = golden("x").with_file_name("f4.npy");
    let expected = Embeddings::open(npy, &OpenOptions::default()).unwrap();
    for name in ["polars", "polars-list", "pandas"] {
        assert_eq!(Format::detect(golden(name)).unwrap(), Format::Parquet);
        let found = Embeddings::open(golden(name), &OpenOptions::default()).unwrap();
        assert_eq!(found.words(), expected.words(), "{name}");
        assert_eq!(found.vectors(), expected.vectors(), "{name}");
    }
}

/// More than one block of differences, and more than one group of rows.
#[test]
fn delta_encodings() {
    for name in ["delta-length", "delta-prefix"] {
        let found = Embeddings::open(golden(name), &OpenOptions::default()).unwrap();
        assert_eq!(found.len(), 400);
        for row in 0..400 {
            assert_eq!(&found.words()[row], format!("word-{}-{row:04}", row % 7));
            assert_eq!(found.vectors().row(row).to_vec(), [row as f32 / 4.0, -1.0]);
        }
    }
}

#[test]
fn nulls() {
    let error = Embeddings::open(golden("nulls"), &OpenOptions::default()).unwrap_err();
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(cause, "row 1: expected a word, found null");
    for policy in [Policy::Skip, Policy::Lossy] {
        let found = Embeddings::open(golden("nulls"), &options(|o| o.policy = policy)).unwrap();
        assert_eq!(found.words(), ["the", "\\n"]);
        assert_eq!(found.report().left_out(), 5);
        let lines: Vec<String> = found
            .report()
            .to_string()
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            lines,
            [
                "wrong number of values 2 row 5 `don't`, row 6 `\"`",
                "null 3 row 2 ``, row 3 `été`, row 4 `日本`",
            ]
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 2000, ..ProptestConfig::default() })]

    /// Whatever a byte is, there is an answer: the library's panics are errors.
    #[test]
    fn one_wrong_byte(name in select(&NAMES[..]), at in any::<Index>(), byte in any::<u8>()) {
        let files = Files::new();
        let mut contents = std::fs::read(golden(name)).unwrap();
        let at = at.index(contents.len());
        contents[at] = byte;
        let path = files.write("x", contents);
        for policy in [Policy::Error, Policy::Skip] {
            let options = options(|o| (o.format, o.policy) = (Some(Format::Parquet), policy));
            if let Ok(found) = Embeddings::open(&path, &options) {
                prop_assert!(found.vectors().iter().all(|value| value.is_finite()));
            }
        }
    }
}

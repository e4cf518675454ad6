//! What is written is read, bit for bit; and nothing appears that is not whole.

mod common;

use std::path::Path;

use common::{Fifu, Files, finalfusion, options};
use ndarray::{Array2, array};
use procrust_words::{Embeddings, Format, OpenOptions, WriteOptions, Writer};
use proptest::prelude::*;

/// The names of all that can be written, by format and compression.
const NAMES: [&str; 9] = [
    "x.vec",
    "x.vec.gz",
    "x.txt.zst",
    "x.bin",
    "x.bin.gz",
    "x.bin.zst",
    "x.fifu",
    "x.npy",
    "x.safetensors",
];

fn names() -> Vec<&'static str> {
    let mut names = NAMES.to_vec();
    if cfg!(feature = "parquet") {
        names.push("x.parquet");
    }
    names
}

fn write_options(change: impl FnOnce(&mut WriteOptions)) -> WriteOptions {
    let mut options = WriteOptions::default();
    change(&mut options);
    options
}

fn bits(found: &Embeddings) -> Array2<u32> {
    found.vectors().mapv(f32::to_bits)
}

fn open_as(path: &Path) -> OpenOptions {
    options(|o| o.format = Format::of_name(path))
}

/// Different words that all formats hold, and their vectors.
fn embeddings() -> impl Strategy<Value = Embeddings> {
    let value = any::<f32>().prop_filter("finite", |value| value.is_finite());
    (1_usize..20, 1_usize..7).prop_flat_map(move |(rows, columns)| {
        let words = prop::collection::btree_set("[a-c0-9é日\u{a0}\"\\\\]{1,3}", rows);
        let values = prop::collection::vec(value.clone(), rows * columns);
        (words, values).prop_map(move |(words, values)| {
            let vectors = Array2::from_shape_vec((rows, columns), values).unwrap();
            Embeddings::new(words.into_iter().rev().collect(), vectors).unwrap()
        })
    })
}

proptest! {
    #[test]
    fn round_trips(expected in embeddings(), header in any::<bool>(), streamed in any::<bool>()) {
        let files = Files::new();
        for name in names() {
            let path = files.path(name);
            let options = write_options(|o| o.header = header);
            if streamed {
                let mut writer = Writer::create(&path, expected.dim(), &options).unwrap();
                for (word, row) in expected.words().iter().zip(expected.vectors().outer_iter()) {
                    writer.push(word, row.to_slice().unwrap()).unwrap();
                }
                prop_assert_eq!(writer.rows(), expected.len());
                writer.finish().unwrap();
            } else {
                expected.write(&path, &options).unwrap();
            }
            let found = Embeddings::open(&path, &open_as(&path)).unwrap();
            prop_assert_eq!(found.words(), expected.words());
            prop_assert_eq!(bits(&found), bits(&expected), "{}", name);
        }
        for name in ["x.fifu", "x.npy", "x.safetensors"] {
            let found = Embeddings::open(files.path(name), &options(|o| o.map = true)).unwrap();
            prop_assert!(found.is_mapped());
            found.check().unwrap();
            prop_assert_eq!(found.words(), expected.words());
            prop_assert_eq!(bits(&found), bits(&expected));
            for (row, word) in expected.words().iter().enumerate() {
                prop_assert_eq!(found.position(word), Some(row));
            }
            prop_assert_eq!(found.into_parts(), expected.clone().into_parts());
        }
    }

    /// Words with all kinds of letters, where the format has no letters of its own.
    #[test]
    fn any_words(words in prop::collection::btree_set(".*", 1..9), breaks in any::<bool>()) {
        let files = Files::new();
        let words: Vec<String> = words
            .into_iter()
            .map(|word| if breaks { format!("{word}\n\0\r") } else { word.replace('\r', "") })
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .collect();
        let vectors = Array2::zeros((words.len(), 1));
        let expected = Embeddings::new(words, vectors).unwrap();
        for name in names() {
            let path = files.path(name);
            match expected.write(&path, &WriteOptions::default()) {
                Ok(()) => {
                    let found = Embeddings::open(&path, &open_as(&path)).unwrap();
                    prop_assert_eq!(found.words(), expected.words(), "{}", name);
                }
                Err(error) => prop_assert!(files.message(&error).contains(": expected a word ")),
            }
            let holds_all = name == "x.fifu" || name == "x.parquet";
            prop_assert!(path.exists() || !holds_all);
            prop_assert!(path.exists() || breaks || !["x.npy", "x.safetensors"].contains(&name));
        }
    }

    /// Norms go back into a file, and vectors come out of it as they were.
    #[test]
    fn norms_and_metadata(
        units in prop::collection::vec(-1.0_f32..1.0, 6),
        norms in prop::collection::vec(1e-30_f32..1e30, 3),
    ) {
        let files = Files::new();
        let metadata = "title = \"test\"\n[about]\nlanguage = \"é\"";
        let file = Fifu::new(&[5, 1, 2, 6])
            .chunk(5, |file| file.bytes(metadata.as_bytes()))
            .simple_vocab(&["a", "b", "c"])
            .matrix(2, &units)
            .norms(&norms);
        let first = files.open(&file.0).unwrap();
        prop_assert_eq!(first.norms(), Some(&norms[..]));
        prop_assert_eq!(first.metadata(), Some(metadata));
        let path = files.path("again.fifu");
        first.write(&path, &WriteOptions::default()).unwrap();
        let again = Embeddings::open(&path, &OpenOptions::default()).unwrap();
        prop_assert_eq!(bits(&again), bits(&first));
        prop_assert_eq!(again.norms(), first.norms());
        prop_assert_eq!(again.metadata(), first.metadata());

        // A mapped file holds the unit vectors themselves, and they are written as they are.
        let mapped = Embeddings::open(files.path("file"), &options(|o| o.map = true)).unwrap();
        prop_assert_eq!(mapped.vectors().iter().copied().collect::<Vec<_>>(), units);
        prop_assert_eq!(mapped.norms(), Some(&norms[..]));
        prop_assert_eq!(mapped.metadata(), Some(metadata));
        mapped.write(&path, &WriteOptions::default()).unwrap();
        prop_assert_eq!(std::fs::read(&path).unwrap(), file.0);
    }
}

/// The library reads what is written.
#[test]
fn finalfusion_reads_it() {
    use ::finalfusion::prelude::{Embeddings as Reference, ReadEmbeddings, StorageWrap, VocabWrap};

    let files = Files::new();
    let path = files.path("x.fifu");
    let expected = files.open(finalfusion()).unwrap();
    expected.write(&path, &write_options(|o| o.metadata = Some("a = 1".to_owned()))).unwrap();
    let mut file = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
    let reference: Reference<VocabWrap, StorageWrap> =
        Reference::read_embeddings(&mut file).unwrap();
    assert_eq!(reference.metadata().unwrap().to_string(), "a = 1\n");
    for word in expected.words() {
        let found = reference.embedding_with_norm(word).unwrap();
        let norm = found.embedding.view().dot(&found.embedding.view()).sqrt();
        assert!((norm - 1.0).abs() < 1e-6);
        let found = found.into_unnormalized().to_vec();
        assert_eq!(found, expected.vector(word).unwrap().to_vec());
    }
}

/// Text is what a person would write, with the header in front however it gets there.
#[test]
fn text_by_the_letter() {
    let files = Files::new();
    let few = Embeddings::new(
        vec!["the".to_owned(), "été".to_owned()],
        array![[0.1, -2.0], [1e-40, 16_777_216.0]],
    )
    .unwrap();
    let path = files.path("x.vec");
    few.write(&path, &WriteOptions::default()).unwrap();
    let expected = "2 2\nthe 0.1 -2.0\nété 1e-40 16777216.0\n";
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected);
    few.write(&path, &write_options(|o| o.header = false)).unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), expected[4..]);
    let mut writer = Writer::create(&path, 1, &WriteOptions::default()).unwrap();
    assert_eq!(writer.format(), Format::Text);
    writer.push("1", &[2.0]).unwrap();
    writer.finish().unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "1 1\n1 2.0\n");
}

/// A first line of a number and its value is no header.
#[test]
fn numbers_are_no_header() {
    let files = Files::new();
    let path = files.path("x.vec");
    let expected =
        Embeddings::new(vec!["12".to_owned(), "3".to_owned()], array![[300.0], [1e9]]).unwrap();
    expected.write(&path, &write_options(|o| o.header = false)).unwrap();
    let found = Embeddings::open(&path, &OpenOptions::default()).unwrap();
    assert_eq!(found.words(), expected.words());
    assert_eq!(bits(&found), bits(&expected));
}

/// Many blocks of text.
#[test]
fn large_files() {
    let files = Files::new();
    let words = (0..30_001).map(|i| format!("w{i}")).collect();
    let vectors = Array2::from_shape_fn((30_001, 20), |(i, j)| (i as f32 + 0.1) / (j as f32 - 2.5));
    let expected = Embeddings::new(words, vectors).unwrap();
    for name in names() {
        let path = files.path(name);
        expected.write(&path, &WriteOptions::default()).unwrap();
        let found = Embeddings::open(&path, &OpenOptions::default()).unwrap();
        assert_eq!(found.words(), expected.words(), "{name}");
        assert!(bits(&found) == bits(&expected), "{name}");
    }
}

fn listing(files: &Files) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(files.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What was there before stays until the new file is whole, and nothing else is left.
#[test]
fn whole_or_not_at_all() {
    for name in names() {
        let files = Files::new();
        let path = files.write(name, "before");
        let create = || Writer::create(&path, 1, &WriteOptions::default()).unwrap();
        let mut writer = create();
        writer.push("a", &[1.0]).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"before");
        drop(writer);
        create().finish().unwrap_err();
        let announced = write_options(|o| o.rows = Some(2));
        let mut writer = Writer::create(&path, 1, &announced).unwrap();
        writer.push("a", &[1.0]).unwrap();
        assert_eq!(
            files.message(&writer.finish().unwrap_err()),
            format!("{name}: expected 2 rows, as announced, found 1")
        );
        assert_eq!(listing(&files), [name]);
        assert_eq!(std::fs::read(&path).unwrap(), b"before");

        let mut writer = create();
        writer.push("a", &[1.0]).unwrap();
        writer.finish().unwrap();
        let found = Embeddings::open(&path, &open_as(&path)).unwrap();
        assert_eq!(found.words(), ["a"]);
        assert_eq!(listing(&files).len(), if name == "x.npy" { 2 } else { 1 });
    }
}

#[cfg(unix)]
#[test]
fn others_may_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let files = Files::new();
    let few = Embeddings::new(vec!["a".to_owned()], array![[1.0]]).unwrap();
    few.write(files.path("x.npy"), &WriteOptions::default()).unwrap();
    let plain = files.write("plain", "");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&files.path("x.npy")), mode(&plain));
}

#[test]
fn refused_rows() {
    let files = Files::new();
    let message = |name: &str, word: &str, row: &[f32]| {
        let mut writer = Writer::create(files.path(name), 2, &WriteOptions::default()).unwrap();
        writer.push("first", &[0.0, 0.0]).unwrap();
        let message = files.message(&writer.push(word, row).unwrap_err());
        // Others may follow.
        writer.push("last", &[1.0, 1.0]).unwrap();
        writer.finish().unwrap();
        let path = files.path(name);
        let found = Embeddings::open(&path, &OpenOptions::default()).unwrap();
        assert_eq!(found.words(), ["first", "last"]);
        message
    };
    let row = [0.5, 0.25];
    for name in names() {
        assert_eq!(
            message(name, "a", &[1.0]),
            format!("{name}: expected 2 values in row 1, found 1")
        );
        assert_eq!(
            message(name, "a", &[1.0, f32::NAN]),
            format!(
                "{name}: the vector of `a` (row 1) holds NaN at column 1: expected finite values"
            )
        );
    }
    for word in ["", "a b", "a\tb", "a\n", "\r"] {
        assert_eq!(
            message("x.vec", word, &row),
            format!(
                "x.vec: `{word}` (row 1): expected a word that is not empty and without space, \
                 tab and line's end for the format text"
            )
        );
    }
    for word in ["", "a b", "\n"] {
        assert!(message("x.bin", word, &row).contains("without space and line feed"));
    }
    assert!(message("x.bin", &"a".repeat(65_535), &row).contains("at most 65534 bytes"));
    for word in ["a\nb", "\r"] {
        assert!(message("x.npy", word, &row).contains("a word without a line's end"));
    }
    assert!(message("x.safetensors", "a\n", &row).contains("a word without a line feed"));
    assert_eq!(
        message("x.fifu", "first", &row),
        "x.fifu: `first` is the word of row 0 and of row 1: expected different words"
    );
}

#[test]
fn the_longest_word() {
    let files = Files::new();
    let words = vec!["a".repeat(65_534), "b".repeat(65_534)];
    let expected = Embeddings::new(words, array![[1.0], [2.0]]).unwrap();
    let path = files.path("x.bin");
    expected.write(&path, &WriteOptions::default()).unwrap();
    let found = Embeddings::open(&path, &open_as(&path)).unwrap();
    assert_eq!(found.words(), expected.words());
}

#[test]
fn refused_files() {
    let files = Files::new();
    let message = |name: &str, dim: usize, options: &WriteOptions| {
        files.message(&Writer::create(files.path(name), dim, options).unwrap_err())
    };
    let default = WriteOptions::default();
    assert_eq!(
        message("x", 1, &default),
        "x: expected a name that ends in .vec, .txt, .bin, .fifu, .npy, .safetensors or \
         .parquet, or a format"
    );
    for (name, format) in [("x.npy.gz", "npy"), ("x.fifu.zst", "finalfusion")] {
        assert_eq!(
            message(name, 1, &default),
            format!("{name}: expected a name without .gz and .zst for the format {format}")
        );
    }
    assert_eq!(
        message("x.vec", 0, &default),
        "x.vec: 0 vectors of 0 dimensions: expected at least one of each"
    );
    assert!(message("none/x.vec", 1, &default).starts_with("cannot write none/x.vec: "));
    std::fs::create_dir(files.path("folder.vec")).unwrap();
    assert_eq!(
        message("folder.vec", 1, &default),
        "cannot write folder.vec: expected the name of a file, found something else there"
    );
    let metadata = write_options(|o| o.metadata = Some("no TOML".to_owned()));
    assert!(message("x.fifu", 1, &metadata).starts_with("x.fifu: expected metadata in TOML: "));
    let wide = message("x.fifu", 1 << 33, &default);
    assert!(wide.starts_with("x.fifu: expected vectors of at most 17179869180 bytes, found "));
    assert_eq!(listing(&files), ["folder.vec"]);
}

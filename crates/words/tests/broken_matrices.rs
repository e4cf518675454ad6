//! Broken files of the formats that hold a matrix, read and mapped.

mod common;

use std::path::PathBuf;

use common::{Fifu, Files, finalfusion, options};
use procrust_words::{Embeddings, Format, OpenOptions};
use proptest::prelude::*;
use proptest::sample::{Index, select};

const HUGE: u64 = 1 << 60;

fn golden(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    std::fs::read(folder.join(name)).unwrap()
}

/// The message for a file, the same whether its vectors are read or mapped.
fn error(files: &Files, contents: impl AsRef<[u8]>, format: Format) -> String {
    let path = files.write("x", contents);
    let message = |map| {
        let options = options(|o| (o.map, o.format) = (map, Some(format)));
        files.message(&Embeddings::open(&path, &options).unwrap_err())
    };
    assert_eq!(message(true), message(false));
    message(true)
}

fn npy(descr: &str, order: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY\x01\0v\0".to_vec();
    let text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}");
    bytes.extend(text.as_bytes());
    bytes.resize(127, b' ');
    bytes.push(b'\n');
    bytes.extend(values);
    bytes
}

#[test]
fn npy_headers() {
    let files = Files::new();
    files.write("x.words.txt", "a\nb\n");
    let message = |bytes: &[u8]| error(&files, bytes, Format::Npy);
    let good = npy("<f4", "False", "(2, 1)", &[0; 8]);
    let path = files.write("x", &good);
    Embeddings::open(path, &OpenOptions::default()).unwrap();

    assert_eq!(message(b"the 1 2"), "x: expected `\\x93NUMPY` at byte 0, found `the 1 `");
    let mut version = good.clone();
    version[6] = 9;
    assert_eq!(message(&version), "x: expected version 1, 2 or 3 at byte 6, found 9");
    let mut long = good.clone();
    (long[6], long[11]) = (2, 0xff);
    assert!(message(&long).starts_with("x: expected a header of at most 65536 bytes at byte 8"));
    for (descr, shown) in [("<i4", "<i4"), ("f4", "f4"), ("|S4", "|S4"), ("<f16", "<f16")] {
        assert_eq!(
            message(&npy(descr, "False", "(2, 1)", &[0; 8])),
            format!("x: expected the type f2, f4 or f8 by the header at byte 10, found `{shown}`")
        );
    }
    for (shape, axes) in [("()", 0), ("(2,)", 1), ("(2, 1, 1)", 3)] {
        assert_eq!(
            message(&npy("<f4", "False", shape, &[0; 8])),
            format!("x: expected a matrix of two axes by the header at byte 10, found {axes} axes")
        );
    }
    assert_eq!(
        message(&npy("<f4", "False", "(1000000000000, 1)", &[0; 8])),
        "x ends too early: expected 4000000000000 bytes of a matrix at byte 128, found 8"
    );
    let endless = format!("({}, {})", u64::MAX, u64::MAX);
    assert!(message(&npy("<f4", "False", &endless, &[0; 8])).starts_with("x ends too early"));
    assert_eq!(
        message(&npy("<f4", "False", "(2, 1)", &[0; 9])),
        "x: expected the end at byte 136, found 1 more bytes"
    );
    assert_eq!(
        message(&npy("<f4", "maybe", "(2, 1)", &[0; 8])),
        "x: expected True or False at byte 44, found `maybe, 'shape': (2, 1), }               …`"
    );
    files.write("x.words.txt", "a\n");
    assert_eq!(
        message(&npy("<f4", "False", "(1, 0)", &[])),
        "x: 1 vectors of 0 dimensions: expected at least one of each"
    );
    let nan = npy("<f4", "False", "(1, 1)", &f32::NAN.to_le_bytes());
    let expected = "x: the vector of `a` (row 0) holds NaN at column 0: expected finite values";
    assert_eq!(files.message(&open(&files, &nan).unwrap_err()), expected);
    let large = npy("<f8", "False", "(1, 1)", &1e300_f64.to_le_bytes());
    assert!(files.message(&open(&files, &large).unwrap_err()).contains("holds inf"));
}

fn open(files: &Files, bytes: &[u8]) -> Result<Embeddings, procrust_words::WordsError> {
    Embeddings::open(files.write("x", bytes), &OpenOptions::default())
}

#[test]
fn word_lists() {
    let files = Files::new();
    let message = || error(&files, npy("<f4", "False", "(2, 1)", &[0; 8]), Format::Npy);
    assert_eq!(
        message(),
        "no words for x: expected them, one a line, in x.words.txt, x.txt or x.vocab"
    );
    files.write("x.vocab", "a\n");
    assert_eq!(message(), "x.vocab: expected 2 words, one for each vector, found 1");
    files.write("x.txt", "a\nb\nc\n");
    assert_eq!(message(), "x.txt: expected 2 words, one for each vector, found 3");
    files.write("x.words.txt", b"a\n\xff\n");
    assert_eq!(message(), "x.words.txt:2: the word is not UTF-8: `\u{fffd}`");
    files.write("x.words.txt", "");
    assert_eq!(message(), "x.words.txt is empty: expected word vectors");

    // Another list on request.
    let words = files.write("others", "c\r\nd");
    let list = options(|o| o.words = Some(words.clone()));
    let found = Embeddings::open(files.path("x"), &list).unwrap();
    assert_eq!(found.words(), ["c", "d"]);
    let none = options(|o| o.words = Some(files.path("none")));
    let error = Embeddings::open(files.path("x"), &none).unwrap_err();
    assert!(files.message(&error).starts_with("cannot open none: "));
    // Also in place of those in the file.
    let tensor = files.write("y", safetensors("{\"words\":\"a\\nb\"}", &one("F32", "[2,1]", 8), 8));
    assert_eq!(Embeddings::open(&tensor, &OpenOptions::default()).unwrap().words(), ["a", "b"]);
    assert_eq!(Embeddings::open(&tensor, &list).unwrap().words(), ["c", "d"]);
}

/// Of a word that is listed twice, the first row counts; a mapped file has both.
#[test]
fn words_that_are_listed_twice() {
    let files = Files::new();
    files.write("x.txt", "a\nb\na\n");
    let values: Vec<u8> = [1.0_f32, 2.0, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let path = files.write("x.npy", npy("<f4", "False", "(3, 1)", &values));
    let found = Embeddings::open(&path, &OpenOptions::default()).unwrap();
    assert_eq!((found.duplicates(), found.len()), (1, 2));
    assert_eq!(found.vectors(), ndarray::array![[1.0], [2.0]]);
    let found = Embeddings::open(&path, &options(|o| o.map = true)).unwrap();
    assert_eq!((found.duplicates(), found.len()), (0, 3));
    assert_eq!(found.position("a"), Some(0));
    assert_eq!(
        found.check().unwrap_err().to_string(),
        "`a` is the word of row 0 and of row 2: expected different words"
    );
    let values: Vec<u8> = [1.0_f32, f32::NAN].iter().flat_map(|v| v.to_le_bytes()).collect();
    let path = files.write("x.npy", npy("<f4", "False", "(2, 1)", &values));
    files.write("x.txt", "a\nb\n");
    let found = Embeddings::open(&path, &options(|o| o.map = true)).unwrap();
    assert!(found.check().unwrap_err().to_string().contains("`b` (row 1) holds NaN"));
    let error = found.write(files.path("y.vec"), &procrust_words::WriteOptions::default());
    assert!(files.message(&error.unwrap_err()).contains("`b` (row 1) holds NaN"));
}

fn safetensors(metadata: &str, tensors: &str, values: usize) -> Vec<u8> {
    let mut json = format!("{{\"__metadata__\":{metadata},{tensors}}}");
    json.extend(std::iter::repeat_n(' ', 8 - json.len() % 8));
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend(json.as_bytes());
    bytes.resize(bytes.len() + values, 0);
    bytes
}

fn one(dtype: &str, shape: &str, end: u64) -> String {
    format!("\"t\":{{\"dtype\":\"{dtype}\",\"shape\":{shape},\"data_offsets\":[0,{end}]}}")
}

#[test]
fn safetensors_headers() {
    let files = Files::new();
    let message = |bytes: &[u8]| error(&files, bytes, Format::Safetensors);
    let words = "{\"words\":\"a\\nb\"}";
    let good = safetensors(words, &one("F32", "[2,1]", 8), 8);
    assert_eq!(open(&files, &good).unwrap().words(), ["a", "b"]);

    let refused = |bytes: &[u8]| {
        let message = message(bytes);
        assert!(message.starts_with("cannot read x as safetensors: "), "{message}");
    };
    let mut long = good.clone();
    long[..8].copy_from_slice(&HUGE.to_le_bytes());
    refused(&long);
    long[..8].copy_from_slice(&99_999_999_u64.to_le_bytes());
    refused(&long);
    long[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    refused(&long);
    refused(b"short");
    let two = format!(
        "{},\"u\":{{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[4,12]}}",
        one("F32", "[2,1]", 8)
    );
    refused(&safetensors(words, &two, 12)); // they overlap
    refused(&safetensors(words, &one("F32", "[2,1]", 8), 7));
    refused(&safetensors(words, &one("F32", "[2,1]", 8), 9));
    refused(&safetensors(words, &one("F32", "[1000000000000,1]", 8), 8));
    refused(&safetensors(words, &one("F32", "[1000000000000,1]", 4_000_000_000_000), 8));
    refused(&safetensors(words, &one("F32", "[18446744073709551615,8]", 8), 8));
    refused(&safetensors(words, &one("F99", "[2,1]", 8), 8));

    let none = "x: expected one tensor of two axes in F32, F16 or BF16, or one of the names \
                `embeddings`, `vectors`, `weight` at byte 8, found ";
    for (dtype, shape) in [("I32", "[2,1]"), ("F32", "[2]"), ("F32", "[2,1,1]"), ("F64", "[1,1]")] {
        let file = safetensors(words, &one(dtype, shape, 8), 8);
        assert_eq!(message(&file), format!("{none}0 such tensors among 1"), "{dtype} {shape}");
    }
    let two = two.replace("[4,12]", "[8,16]");
    assert_eq!(message(&safetensors(words, &two, 16)), format!("{none}2 such tensors among 2"));
    let named = |dtype, shape| one(dtype, shape, 8).replace("\"t\"", "\"vectors\"");
    assert_eq!(
        message(&safetensors(words, &named("F32", "[2]"), 8)),
        "x: expected `vectors` with two axes at byte 8, found 1 axes"
    );
    assert_eq!(
        message(&safetensors(words, &named("F64", "[1,1]"), 8)),
        "x: expected `vectors` in F32, F16 or BF16 at byte 8, found F64"
    );
    assert_eq!(
        message(&safetensors("{}", &one("F32", "[2,1]", 8), 8)),
        "no words for x: expected them, one a line, in x.words.txt, x.txt or x.vocab"
    );
    for words in ["a", "a\\nb\\nc", "a\\nb\\nc\\n", ""] {
        let file = safetensors(&format!("{{\"words\":\"{words}\"}}"), &one("F32", "[2,1]", 8), 8);
        let message = message(&file);
        let expected = "x: expected 2 words, one for each vector, found ";
        assert!(message.starts_with(expected), "{words}: {message}");
    }
    assert_eq!(
        message(&safetensors("{\"words\":\"\"}", &one("F32", "[0,1]", 0), 0)),
        "x: 0 vectors of 1 dimensions: expected at least one of each"
    );
}

/// A line feed behind the last word, and an empty last word.
#[test]
fn ends_of_word_lists_in_safetensors() {
    let files = Files::new();
    for (words, expected) in [("a\\nb\\n", ["a", "b"]), ("a\\n", ["a", ""]), ("\\n", ["", ""])] {
        let file = safetensors(&format!("{{\"words\":\"{words}\"}}"), &one("F32", "[2,1]", 8), 8);
        files.write("x", file);
        let found = Embeddings::open(files.path("x"), &options(|o| o.map = true)).unwrap();
        assert_eq!(found.words(), expected);
    }
}

/// A matrix at an odd place can be read, but not mapped.
#[test]
fn unaligned() {
    let files = Files::new();
    let mut file = safetensors("{\"words\":\"a\\nb\"}", &one("F32", "[2,1]", 8), 8);
    file[0] += 1;
    file.insert(file.len() - 8, b' ');
    let path = files.write("x", &file);
    Embeddings::open(&path, &OpenOptions::default()).unwrap();
    let error = Embeddings::open(&path, &options(|o| o.map = true)).unwrap_err();
    assert_eq!(
        files.message(&error),
        "cannot map x: its matrix does not start at a multiple of four bytes; open it without \
         mapping"
    );
}

#[test]
fn mapped_finalfusion() {
    let files = Files::new();
    let words = ["a", "b"];
    let start = || Fifu::new(&[1, 2]).simple_vocab(&words);
    let map =
        |file: &Fifu| Embeddings::open(files.write("file", &file.0), &options(|o| o.map = true));
    map(&start().matrix(1, &[1., 2.])).unwrap();
    let message = |file: &Fifu| files.message(&map(file).unwrap_err());

    let norms = || Fifu::new(&[1, 2, 6]).simple_vocab(&words).matrix(1, &[1., 2.]);
    for file in [
        Fifu::new(&[5, 1, 2]).u32(5).u64(HUGE),
        Fifu::new(&[1, 2]).u32(1).u64(u64::MAX),
        Fifu::new(&[1, 2]).chunk(1, |file| file.u64(HUGE)),
        Fifu::new(&[1, 2]).chunk(1, |file| file.u64(1).u32(u32::MAX)),
        Fifu::new(&[8, 2]).chunk(8, |file| file.u64(1).u64(HUGE).u32(3).u32(6).strings(&["a"])),
        start().chunk(2, |file| file.u64(HUGE).u32(300).u32(10).padding()),
        start().chunk(2, |file| file.u64(u64::MAX).u32(u32::MAX).u32(10).padding()),
        norms().chunk(6, |file| file.u64(2).u32(10).padding().floats(&[1.])),
    ] {
        let message = message(&file);
        assert!(message.starts_with("file ends too early: expected "), "{message}");
    }
    for (file, expected) in [
        (Fifu(b"FiFu".to_vec()).u32(1), "format version 0 at byte 4, found 1"),
        (Fifu(b"FiFu".to_vec()).u32(0).u32(u32::MAX), "2 to 4 chunks at byte 8"),
        (Fifu::new(&[2, 1]), "a vocabulary of words (1, 3, 7 or 8)"),
        (Fifu::new(&[1, 1]).simple_vocab(&words), "a matrix (2 or 4)"),
        (Fifu::new(&[1, 2]).simple_vocab(&[]), "at least one word"),
        (Fifu::new(&[1, 2]).chunk(1, |file| file.u64(1).u32(1).bytes(b"\xff")), "words in UTF-8"),
        (Fifu::new(&[5, 1, 2]).chunk(5, |file| file.bytes(b"\xff")), "metadata in UTF-8"),
        (start().matrix(1, &[1.]), "rows for 2 words"),
        (start().chunk(2, |file| file.u64(2).u32(0)), "at least one column"),
        (start().chunk(2, |file| file.u64(2).u32(1).u32(7)), "type 10"),
        (start().matrix(1, &[1., 2.]).bytes(b"more"), "the end"),
        (norms().norms(&[1.]), "norms of 2 words"),
        (
            Fifu::new(&[1, 2, 5]).simple_vocab(&words).matrix(1, &[1., 2.]),
            "at most norms (6) after the matrix",
        ),
    ] {
        let message = message(&file);
        assert!(message.starts_with("file: expected "), "{message}");
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(
        message(&Fifu(common::quantized())),
        "cannot map file: its matrix is quantised; open it without mapping"
    );
    assert!(message(&Fifu::new(&[9, 2])).starts_with("file holds no words, only subwords"));
    // Rows of subwords are left out here too.
    let subwords = Fifu::new(&[8, 2])
        .chunk(8, |file| {
            let file = file.u64(2).u64(1).u32(3).u32(6).strings(&words);
            file.strings(&["<a>"]).u64(0)
        })
        .matrix(1, &[1., 2., 3.]);
    let found = map(&subwords).unwrap();
    assert_eq!(found.words(), words);
    assert_eq!(found.vectors(), ndarray::array![[1.0], [2.0]]);
}

#[test]
fn compressed_files() {
    let files = Files::new();
    files.write("x.words.txt", String::from_utf8(golden("f4.words.txt")).unwrap());
    let packed = |contents: &[u8]| zstd::encode_all(contents, 3).unwrap();
    // Text is read from it, and so are matrices; but nothing is mapped.
    let all = Embeddings::open(files.write("x", golden("f4.npy")), &OpenOptions::default());
    let all = all.unwrap();
    for name in ["f4.npy", "words.safetensors", "gensim.vec", "gensim.bin"] {
        let path = files.write("x.zst", packed(&golden(name)));
        let found = Embeddings::open(&path, &OpenOptions::default()).unwrap();
        assert_eq!(found.vectors(), all.vectors(), "{name}");
        let error = Embeddings::open(&path, &options(|o| o.map = true)).unwrap_err();
        assert_eq!(
            files.message(&error),
            "cannot map x.zst: it is compressed; open it without mapping"
        );
        // Cut short.
        let whole = packed(&golden(name));
        for len in 5..whole.len() {
            let path = files.write("x.zst", &whole[..len]);
            assert!(Embeddings::open(&path, &OpenOptions::default()).is_err(), "{name} {len}");
        }
    }
    let mut damaged = packed(common::TEXT.as_bytes());
    damaged[4] = 0xff;
    assert!(files.error(&damaged).starts_with("cannot read file: "));
    let mut contents = vec![finalfusion(), golden("f4.npy"), golden("words.safetensors")];
    contents.push(golden("one.bin"));
    #[cfg(feature = "parquet")]
    contents.push(golden("fixed.parquet"));
    for contents in contents {
        let options = options(|options| options.words = Some(files.path("x.words.txt")));
        let plain = Embeddings::open(files.write("plain", &contents), &options).unwrap();
        for packed in [packed(&contents), zstd::encode_all(&contents[..], 3).unwrap()] {
            let path = files.write("packed", packed);
            let unpacked = Embeddings::open(&path, &options).unwrap();
            assert_eq!(unpacked.words(), plain.words());
            assert_eq!(unpacked.vectors(), plain.vectors());
            assert_eq!(unpacked.norms(), plain.norms());
        }
    }
}

#[test]
fn every_beginning_of_a_file_is_an_error() {
    let files = Files::new();
    files.write("x.words.txt", golden("f4.words.txt"));
    let mut names = vec!["f4.npy", "f8-big-fortran.npy", "words.safetensors", "half.safetensors"];
    if cfg!(feature = "parquet") {
        names.extend(["fixed.parquet", "double.parquet", "plain.parquet"]);
    }
    for name in names {
        let good = golden(name);
        open(&files, &good).unwrap();
        for len in 0..good.len() {
            let path = files.write("x", &good[..len]);
            for map in [false, true] {
                let opened = Embeddings::open(&path, &options(|o| o.map = map));
                assert!(opened.is_err(), "{name}: {len} bytes");
            }
        }
    }
    let good = finalfusion();
    for len in 0..good.len() {
        let path = files.write("x", &good[..len]);
        assert!(Embeddings::open(&path, &options(|o| o.map = true)).is_err(), "{len} bytes");
    }
}

proptest! {
    /// Files with changed and missing bytes are read or refused, without a panic.
    #[test]
    fn damage_does_not_panic(
        good in select(vec![
            golden("f4.npy"), golden("f8-big-fortran.npy"), golden("words.safetensors"),
            golden("half.safetensors"), finalfusion(), golden("plain.parquet"),
            golden("double.parquet"),
        ]),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        cut in prop::option::of(any::<Index>()),
        format in prop::option::of(select(vec![
            Format::Npy, Format::Safetensors, Format::Finalfusion, Format::Parquet,
        ])),
        limit in prop::option::of(1_usize..4),
        map in any::<bool>(),
    ) {
        let mut bytes = good;
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let files = Files::new();
        files.write("x.words.txt", golden("f4.words.txt"));
        let options = options(|o| (o.format, o.limit, o.map) = (format, limit, map));
        if let Ok(found) = Embeddings::open(files.write("x", bytes), &options) {
            prop_assert!(found.len() <= limit.unwrap_or(usize::MAX));
            prop_assert_eq!(found.len(), found.vectors().nrows());
            prop_assert!(map || found.check().is_ok());
            for word in found.words() {
                prop_assert!(found.position(word).is_some());
            }
        }
    }
}

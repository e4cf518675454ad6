//! Files that the reference programs wrote; `golden/formats.py` has their versions.

mod common;

use std::path::PathBuf;

use common::{Files, options};
use procrust_words::{Embeddings, Format, OpenOptions};

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Words and bits.
fn expected(name: &str) -> (Vec<String>, Vec<u32>) {
    let text = std::fs::read_to_string(golden(name)).unwrap();
    let (mut words, mut bits) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let mut fields = line.split(' ');
        words.push(fields.next().unwrap().to_owned());
        bits.extend(fields.map(|field| u32::from_str_radix(field, 16).unwrap()));
    }
    (words, bits)
}

fn assert_same(found: &Embeddings, expected_name: &str) {
    let (words, bits) = expected(expected_name);
    assert_eq!(found.words(), words);
    assert_eq!(found.dim(), 5);
    let found: Vec<u32> = found.vectors().iter().map(|value| value.to_bits()).collect();
    assert_eq!(found, bits);
}

/// Also the first three rows, and the format is found out.
fn check(name: &str, format: Format, expected: &str) {
    let path = golden(name);
    assert_eq!(Format::detect(&path).unwrap(), format, "{name}");
    let all = Embeddings::open(&path, &OpenOptions::default()).unwrap();
    assert_same(&all, expected);
    let some = Embeddings::open(&path, &options(|o| o.limit = Some(3))).unwrap();
    assert_eq!(some.words(), ["the", ",", "été"]);
    assert_eq!(some.vectors(), all.vectors().slice(ndarray::s![..3, ..]));
}

#[test]
fn numpy() {
    for name in ["f4", "f4-fortran", "f4-big", "f8", "f8-big-fortran", "version3"] {
        check(&format!("{name}.npy"), Format::Npy, "expected.txt");
    }
    for name in ["f2", "f2-big"] {
        check(&format!("{name}.npy"), Format::Npy, "expected-half.txt");
    }
}

#[test]
fn safetensors() {
    check("tensor.safetensors", Format::Safetensors, "expected.txt");
    check("words.safetensors", Format::Safetensors, "expected.txt");
    check("named.safetensors", Format::Safetensors, "expected.txt");
    check("half.safetensors", Format::Safetensors, "expected-half.txt");
}

#[test]
fn gensim() {
    check("gensim.vec", Format::Text, "expected.txt");
    check("gensim-glove.txt", Format::Text, "expected.txt");
    check("gensim.bin", Format::Word2VecBinary, "expected.txt");
}

#[cfg(feature = "parquet")]
#[test]
fn pyarrow() {
    for name in ["fixed", "double", "plain"] {
        check(&format!("{name}.parquet"), Format::Parquet, "expected.txt");
    }
}

#[cfg(not(feature = "parquet"))]
#[test]
fn parquet_is_left_out() {
    let error = Embeddings::open(golden("fixed.parquet"), &OpenOptions::default()).unwrap_err();
    let expected = "expected a build with the feature `parquet` for the format parquet";
    assert!(error.to_string().ends_with(expected), "{error}");
    let error = procrust_words::Writer::create(
        Files::new().path("x.parquet"),
        1,
        &procrust_words::WriteOptions::default(),
    );
    assert!(error.unwrap_err().to_string().ends_with(expected));
}

/// numpy's and safetensors' files are what this crate writes.
#[test]
fn the_same_is_written() {
    let files = Files::new();
    let all = Embeddings::open(golden("f4.npy"), &OpenOptions::default()).unwrap();
    let path = files.path("f4.npy");
    all.write(&path, &procrust_words::WriteOptions::default()).unwrap();
    all.write(files.path("tensor.safetensors"), &procrust_words::WriteOptions::default()).unwrap();
    for name in ["f4.npy", "f4.words.txt", "tensor.safetensors"] {
        let (written, reference) = (files.path(name), golden(name));
        assert_eq!(std::fs::read(written).unwrap(), std::fs::read(reference).unwrap(), "{name}");
    }
    let path = files.path("gensim.bin");
    all.write(&path, &procrust_words::WriteOptions::default()).unwrap();
    // gensim leaves out the line feeds between the vectors.
    let reference = std::fs::read(golden("gensim.bin")).unwrap();
    assert_eq!(std::fs::metadata(path).unwrap().len(), reference.len() as u64 + 7);
}

#[test]
fn mapped() {
    for name in ["f4.npy", "tensor.safetensors", "words.safetensors", "named.safetensors"] {
        let found = Embeddings::open(golden(name), &options(|o| o.map = true)).unwrap();
        assert!(found.is_mapped());
        found.check().unwrap();
        assert_same(&found, "expected.txt");
    }
    for (name, reason) in [
        ("f4-fortran.npy", "its matrix lies by columns (Fortran order)"),
        ("f4-big.npy", "its numbers are big-endian"),
        ("f8.npy", "its numbers are not in 32-bit floating point"),
        ("half.safetensors", "its numbers are not in 32-bit floating point"),
        ("gensim.vec", "files of the format text are read as a whole"),
    ] {
        let error = Embeddings::open(golden(name), &options(|o| o.map = true)).unwrap_err();
        let expected = format!("{name}: {reason}; open it without mapping");
        assert!(error.to_string().ends_with(&expected), "{error}");
    }
}

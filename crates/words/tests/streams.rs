//! A file row by row is the file as a whole.

mod common;

use std::io::{Cursor, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use common::{Fifu, Files, finalfusion, options, quantized};
use procrust_words::{
    Embeddings, Format, OpenOptions, Policy, Report, WordsError, WriteOptions, Writer, stream_rows,
};

type Row = (String, Vec<u32>, Option<u32>, Option<String>);

fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn streamed(path: &Path, options: &OpenOptions) -> Result<(Vec<Row>, Report), WordsError> {
    let mut rows = Vec::new();
    let report = stream_rows(path, options, |row| {
        let vector = row.vector.iter().map(|value| value.to_bits()).collect();
        let metadata = row.metadata.map(str::to_owned);
        rows.push((row.word.to_owned(), vector, row.norm.map(f32::to_bits), metadata));
        ControlFlow::Continue(())
    })?;
    Ok((rows, report))
}

fn check(path: &Path, options: &OpenOptions) {
    let name = path.display();
    let opened = Embeddings::open(path, options);
    let by_rows = streamed(path, options);
    let (opened, (rows, report)) = match (opened, by_rows) {
        (Ok(opened), Ok(streamed)) => (opened, streamed),
        (opened, streamed) => {
            let (opened, streamed) = (opened.map(|_| ()), streamed.map(|_| ()));
            let message = |error: WordsError| error.to_string();
            assert_eq!(opened.map_err(message), streamed.map_err(message), "{name}");
            return;
        }
    };
    assert_eq!(rows.len(), opened.len(), "{name}");
    assert_eq!(&report, opened.report(), "{name}");
    for (row, (word, vector, norm, metadata)) in rows.iter().enumerate() {
        assert_eq!(word, &opened.words()[row], "{name}");
        let expected: Vec<u32> =
            opened.vectors().row(row).iter().map(|value| value.to_bits()).collect();
        assert_eq!(vector, &expected, "{name}: {word}");
        assert_eq!(*norm, opened.norms().map(|norms| norms[row].to_bits()), "{name}");
        assert_eq!(metadata.as_deref(), opened.metadata(), "{name}");
    }
}

/// Every golden file, as it is, compressed, and some of its rows; also from a reader.
#[test]
fn every_format() {
    let files = Files::new();
    let mut names = 0;
    for entry in std::fs::read_dir(golden("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let kind = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        if !["npy", "safetensors", "parquet", "bin", "ftz", "vec", "floret"].contains(&kind) {
            continue;
        }
        names += 1;
        let list = ["words.txt", "vocab"].map(|ending| path.with_extension(ending));
        let list = list.into_iter().find(|list| list.exists());
        let contents = std::fs::read(&path).unwrap();
        let packed =
            files.write(&format!("{name}.zst"), zstd::encode_all(&contents[..], 1).unwrap());
        for limit in [None, Some(1), Some(4)] {
            let options = options(|o| (o.limit, o.words) = (limit, list.clone()));
            check(&path, &options);
            check(&packed, &options);
            let read = Embeddings::read(&path, Cursor::new(contents.clone()), &options);
            match (read, Embeddings::open(&path, &options)) {
                (Ok(read), Ok(opened)) => {
                    assert_eq!(read.words(), opened.words());
                    assert_eq!(read.vectors(), opened.vectors());
                    assert_eq!(read.report(), opened.report());
                }
                (read, opened) => {
                    assert_eq!(read.unwrap_err().to_string(), opened.unwrap_err().to_string());
                }
            }
        }
    }
    assert!(names > 20, "{names}");
}

#[test]
fn finalfusion_files() {
    let files = Files::new();
    let bucket = Fifu::new(&[3, 2])
        .chunk(3, |file| file.u64(2).u32(2).u32(3).u32(1).strings(&["a", "b"]))
        .matrix(1, &[1., 2., 3., 4.]);
    // Found by fuzzing: n-grams that are wanted and not finite are an error either way.
    let infinite = Fifu::new(&[3, 2])
        .chunk(3, |file| file.u64(2).u32(2).u32(3).u32(1).strings(&["a", "b"]))
        .matrix(1, &[1., 2., 3., f32::INFINITY]);
    let path = files.write("infinite", infinite.0);
    assert!(Embeddings::open(&path, &OpenOptions::default()).is_ok());
    assert!(Embeddings::open(&path, &options(|o| o.subwords = true)).is_err());
    for subwords in [false, true] {
        check(&path, &options(|o| o.subwords = subwords));
    }
    for (name, contents) in
        [("plain", finalfusion()), ("quantised", quantized()), ("bucket", bucket.0)]
    {
        let path = files.write(name, contents);
        for limit in [None, Some(1)] {
            check(&path, &options(|o| o.limit = limit));
        }
    }
}

/// Under every policy.
#[test]
fn broken_files() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/broken/files");
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        for policy in [Policy::Error, Policy::Skip, Policy::Lossy] {
            check(&path, &options(|o| o.policy = policy));
        }
    }
}

/// Words that come again, and values that are not finite, in a matrix of more than one block.
#[test]
fn blocks_of_a_matrix() {
    let files = Files::new();
    let (rows, columns) = (70_000, 20);
    let values = (0..rows * columns).map(|i| if i == 1_300_007 { f32::NAN } else { i as f32 });
    let mut contents = b"\x93NUMPY\x01\0v\0".to_vec();
    contents.extend(
        format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}")
            .as_bytes(),
    );
    contents.resize(127, b' ');
    contents.push(b'\n');
    contents.extend(values.flat_map(f32::to_le_bytes));
    let words: String = (0..rows).map(|i| format!("w{}\n", i % 69_990)).collect();
    files.write("x.words.txt", words);
    let path = files.write("x.npy", contents);
    for policy in [Policy::Error, Policy::Skip] {
        check(&path, &options(|o| o.policy = policy));
    }
    let (found, report) = streamed(&path, &options(|o| o.policy = Policy::Skip)).unwrap();
    assert_eq!((found.len(), report.left_out()), (69_989, 11));
}

/// From one finalfusion file to another, row by row: every bit of values and norms, and metadata.
#[test]
fn norms_and_metadata_go_along() {
    let files = Files::new();
    let mut metadata = WriteOptions::default();
    metadata.metadata = Some("made = 'by hand'".to_owned());
    let from = files.write("from.fifu", finalfusion());
    let all = Embeddings::open(&from, &OpenOptions::default()).unwrap();
    all.write(files.path("named.fifu"), &metadata).unwrap();

    let mut writer = None;
    stream_rows(files.path("named.fifu"), &OpenOptions::default(), |row| {
        let writer = writer.get_or_insert_with(|| {
            let mut options = WriteOptions::default();
            options.metadata = row.metadata.map(str::to_owned);
            Writer::create(files.path("to.fifu"), row.vector.len(), &options).unwrap()
        });
        writer.push_row(&row).unwrap();
        ControlFlow::Continue(())
    })
    .unwrap();
    writer.unwrap().finish().unwrap();
    assert!(all.norms().is_some());
    let (named, to) = (files.path("named.fifu"), files.path("to.fifu"));
    assert_eq!(std::fs::read(named).unwrap(), std::fs::read(to).unwrap());
}

/// Found by fuzzing: no row is left, and the header promises more columns than a matrix can have.
#[test]
fn promised_columns_without_rows() {
    let files = Files::new();
    let path = files.write("x.bin", b"3 9223372036854775807\nthe \0\0\0?\0\0\x80\xbf\0\0\0@\n");
    for policy in [Policy::Skip, Policy::Lossy] {
        let options = options(|o| (o.policy, o.format) = (policy, Some(Format::Word2VecBinary)));
        assert!(Embeddings::open(&path, &options).is_err());
        check(&path, &options);
    }
    let text = files.write("x.vec", "3 9223372036854775807\nthe 1 2 3\n");
    check(&text, &options(|o| o.policy = Policy::Skip));
}

/// Found by fuzzing: a model was not read to its end, where the checksum of the compression stands.
#[test]
fn checksums_of_models() {
    let files = Files::new();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&std::fs::read(golden("two.bin")).unwrap()).unwrap();
    let mut packed = packed.finish().unwrap();
    let checksum = packed.len() - 8;
    let options = OpenOptions::default();
    assert!(Embeddings::open(files.write("good", &packed), &options).is_ok());
    packed[checksum] ^= 1;
    let path = files.write("bad", packed);
    let error = Embeddings::open(&path, &options).unwrap_err().to_string();
    assert!(error.starts_with("cannot read "), "{error}");
    check(&path, &options);
}

/// A function that panics is not taken for a damaged file, whatever the library.
#[test]
fn panics_of_the_caller_go_through() {
    let names: &[&str] =
        if cfg!(feature = "parquet") { &["f4.npy", "fixed.parquet"] } else { &["f4.npy"] };
    for name in names {
        let panicked = std::panic::catch_unwind(|| {
            stream_rows(golden(name), &OpenOptions::default(), |_| panic!("by the caller"))
        });
        assert!(panicked.is_err());
    }
}

#[test]
fn readers_are_not_mapped() {
    let options = options(|o| (o.map, o.format) = (true, Some(Format::Npy)));
    let error = Embeddings::read("x.npy", Cursor::new(b"any".to_vec()), &options).unwrap_err();
    assert_eq!(error.to_string(), "cannot map x.npy: it is no file; open it without mapping");
    let error = Embeddings::read("x", std::io::empty(), &OpenOptions::default()).unwrap_err();
    assert_eq!(error.to_string(), "x is empty: expected word vectors");
}

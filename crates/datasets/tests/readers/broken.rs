//! Broken binary files, and errors common to all formats.

use std::error::Error as _;
use std::fs;
use std::path::Path;

use procrust_datasets::{DatasetError, TableOptions, read_table};

use crate::{element, error, golden, golden_bytes, mat, npy, options, read_bytes, zip};

fn plain(name: &str, bytes: impl AsRef<[u8]>) -> String {
    error(name, bytes, &TableOptions::default())
}

#[test]
fn file_that_is_missing() {
    for name in ["x.mat", "x.npy", "x.npz", "x.csv", "x.svm", "x.idx", "x"] {
        let error = read_table(Path::new("no-folder").join(name), &TableOptions::default());
        let error = error.unwrap_err();
        assert_eq!(error.to_string(), format!("cannot read no-folder/{name}"));
        assert!(error.source().is_some());
    }
}

#[test]
fn file_that_is_empty() {
    for name in ["x.mat", "x.npy", "x.npz", "x.csv", "x.svm", "x.idx", "x"] {
        assert_eq!(plain(name, ""), format!("{name} holds no data: the file is empty"));
    }
}

#[test]
fn ending_that_is_unknown() {
    let message = plain("x.parquet", "PAR1");
    assert!(
        message.starts_with("x.parquet: unknown format; known are .mat .npy .npz"),
        "{message}"
    );
}

#[test]
fn variable_that_is_not_there() {
    let file = golden_bytes("little.mat");
    assert_eq!(
        error("x.mat", &file, &options(&["features"], "")),
        "x.mat has no variable `features`; it has fts 5×4, wide 5×4, labels 5×1, few 2×1"
    );
    assert_eq!(
        error("x.mat", &file, &options(&["fts"], "label")),
        "x.mat has no variable `label` (did you mean `labels`?); \
         it has fts 5×4, wide 5×4, labels 5×1, few 2×1"
    );
    assert_eq!(
        error("x.npz", golden_bytes("one.npz"), &options(&["Data"], "")),
        "x.npz has no array `Data` (did you mean `data`?); it has data 5×4, y 5"
    );
}

#[test]
fn variable_of_another_kind() {
    let file = golden_bytes("packed.mat");
    let message = |name| error("x.mat", &file, &options(&[name], ""));
    assert_eq!(message("text"), "x.mat: numbers were expected in variable text 1×11 (char)");
    assert_eq!(message("cells"), "x.mat: numbers were expected in variable cells 1×2 (cell)");
    assert_eq!(message("record"), "x.mat: numbers were expected in variable record 1×1 (struct)");
    assert_eq!(
        message("complex"),
        "x.mat: numbers were expected in variable complex 2×2 (complex)"
    );
    assert_eq!(
        error("x.mat", &file, &options(&["double"], "single")),
        "x.mat: labels should be one row or one column; `single` is 5×4"
    );
    let message = error("x.npz", golden_bytes("stored.npz"), &options(&["records"], ""));
    assert!(message.contains("records 5 ([('a', '<f4'), ('b', '<i2')])"), "{message}");
}

#[test]
fn features_that_have_to_be_named() {
    assert_eq!(
        plain("x.mat", golden_bytes("little.mat")),
        "x.mat: name the features, a variable out of: fts 5×4, wide 5×4, labels 5×1, few 2×1"
    );
    let message = error("x.npy", golden_bytes("real.npy"), &options(&["x"], ""));
    assert!(message.contains("leave `features` out"), "{message}");
}

#[test]
fn rows_and_labels_of_unequal_number() {
    let error = |name, labels| {
        read_table(golden(name), &options(if name == "real.npy" { &[] } else { &["fts"] }, labels))
            .unwrap_err()
            .to_string()
    };
    assert!(error("little.mat", "few").ends_with("little.mat: 5 rows of features but 2 labels"));
    let message = error("real.npy", "t-labels-idx1-ubyte");
    assert!(message.ends_with("real.npy: 5 rows of features but 2 labels"), "{message}");
}

#[test]
fn features_that_are_not_finite() {
    let values = [1.0, f64::NAN, 3.0, f64::INFINITY].map(f64::to_le_bytes).concat();
    let message = "row 1, column 2 (counted from 1) is NaN, not a finite 32-bit number";
    assert_eq!(plain("x.npy", npy("<f8", "(2, 2)", &values)), format!("x.npy: {message}"));
    // Columns come first here: the NaN is the second row's.
    let file = mat("x", 6, [2, 2], &element(9, &values), false);
    assert_eq!(
        plain("x.mat", file),
        "x.mat: row 2, column 1 (counted from 1) is NaN, not a finite 32-bit number"
    );
    let big = 1e300f64.to_le_bytes();
    assert!(plain("x.npy", npy("<f8", "(1, 1)", &big)).contains("is inf"));
}

#[test]
fn label_that_is_not_finite() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("x.npy");
    fs::write(&data, npy("|u1", "(1, 1)", &[5])).unwrap();
    fs::write(folder.path().join("l.npy"), npy("<f4", "(1,)", &f32::NAN.to_le_bytes())).unwrap();
    let error = read_table(&data, &options(&[], "l.npy")).unwrap_err();
    assert!(matches!(error, DatasetError::Label { row: 1, .. }), "{error}");
}

#[test]
fn files_that_are_cut_off() {
    let names = [
        "little.mat",
        "big_packed.mat",
        "real.npy",
        "stored.npz",
        "deflated.npz",
        "t-images-idx3-ubyte",
        "t-images-idx3-ubyte.gz",
    ];
    for name in names {
        let bytes = golden_bytes(name);
        // Every place in what is small; the end of archives, where their directory is.
        for length in 1.max(bytes.len().saturating_sub(500))..bytes.len() {
            let features: &[&str] = match name {
                // The last variable: a file may well end behind another one.
                "little.mat" | "big_packed.mat" => &["few"],
                "stored.npz" | "deflated.npz" => &["u1_c"],
                _ => &[],
            };
            let result = read_bytes(name, &bytes[..length], &options(features, ""));
            assert!(result.is_err(), "{name} cut to {length} bytes");
        }
    }
    assert_eq!(
        plain("x.npy", &golden_bytes("real.npy")[..200]),
        "x.npy ends early: 5×4 should take 160 bytes, 72 are there"
    );
    let file = &golden_bytes("t-images-idx3-ubyte")[..20];
    assert_eq!(plain("x.idx", file), "x.idx ends early: 2×3×4 should take 24 bytes, 4 are there");
}

#[test]
fn header_that_promises_a_million_million_rows() {
    let promise = npy("<f4", "(1000000000000, 4)", &[0; 64]);
    let message = "1000000000000×4 should take 16000000000000 bytes, 64 are there";
    assert_eq!(plain("x.npy", &promise), format!("x.npy ends early: {message}"));
    for deflate in [false, true] {
        let file = zip("x.npy", &promise, deflate);
        assert_eq!(plain("x.npz", file), format!("x.npz ends early: {message}"));
    }
    let message =
        error("x.npy", npy("<f4", "(1000000000000000000, 1000)", &[]), &Default::default());
    assert_eq!(
        message,
        "x.npy is not a readable .npy file: 1000000000000000000×1000 is more than any memory holds"
    );

    let axes = [u32::MAX, 1000].map(u32::to_be_bytes).concat();
    let file = [b"\0\0\x08\x02", &axes[..], b"abc"].concat();
    let message = "4294967295×1000 should take 4294967295000 bytes, 3 are there";
    assert_eq!(plain("x.idx", file), format!("x.idx ends early: {message}"));

    // 2,000,000,000 rows of 500: the values' own size says that they are few.
    for packed in [false, true] {
        let file = mat("x", 6, [2_000_000_000, 500], &element(9, &[0; 8]), packed);
        assert_eq!(
            plain("x.mat", file),
            "x.mat is not a readable .mat file: `x` is 2000000000×500, but 1 values are stored"
        );
        let tag = [9, 4_000_000_000u32].map(u32::to_le_bytes).concat();
        let file = mat("x", 6, [500_000_000, 1], &tag, packed);
        let message = plain("x.mat", file);
        assert!(message.contains("should take 4000000000 bytes"), "{message}");
    }
    let none: Vec<u8> = [element(5, &[]), element(5, &[0; 8]), element(9, &[])].concat();
    let file = mat("x", 5, [4_000_000_000, 1], &none, false);
    let message = plain("x.mat", file);
    assert!(message.contains("4000000000 rows × 1 columns take 16000000000 bytes"), "{message}");
}

#[test]
fn text_labels_that_promise_too_much() {
    let promise = npy("<U1000000000", "(1,)", &[0; 64]);
    let file = zip("labels.npy", &promise, true);
    let message = error("x.npz", file, &options(&["labels"], "labels"));
    assert!(message.contains("(text)"), "{message}");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.npy"), npy("|u1", "(1, 1)", &[5])).unwrap();
    fs::write(folder.path().join("l.npy"), promise).unwrap();
    let error = read_table(folder.path().join("x.npy"), &options(&[], "l.npy")).unwrap_err();
    assert!(error.to_string().ends_with("1 should take 4000000000 bytes, 64 are there"), "{error}");
}

#[test]
fn other_versions_of_mat_are_told() {
    assert_eq!(
        plain("x.mat", golden_bytes("version4.mat")),
        "x.mat: a MATLAB file of version 4, which cannot be read; save it with -v7"
    );
    let message = plain("x.mat", [b'x'; 200]);
    assert!(message.contains("is not a readable .mat file"), "{message}");
}

#[test]
fn sparse_variable_that_is_broken() {
    let ints = |values: &[i32]| -> Vec<u8> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        element(5, &bytes)
    };
    let file = |rows: &[i32], starts: &[i32]| {
        let values = element(9, &[1.5f64, 2.5].map(f64::to_le_bytes).concat());
        let inside = [ints(rows), ints(starts), values].concat();
        mat("x", 5, [3, 2], &inside, true)
    };
    let table = read_bytes("x.mat", file(&[2, 0], &[0, 1, 2]), &TableOptions::default()).unwrap();
    assert_eq!(table.features, ndarray::array![[0.0, 2.5], [0.0, 0.0], [1.5, 0.0]]);
    let message = |rows: &[i32], starts: &[i32]| plain("x.mat", file(rows, starts));
    assert!(message(&[3, 0], &[0, 1, 2]).ends_with("a value lies outside the rows"));
    assert!(message(&[-1, 0], &[0, 1, 2]).ends_with("a value lies outside the rows"));
    for starts in [[0, 1, 3], [0, 2, 1], [0, -1, 2]] {
        assert!(message(&[2, 0], &starts).ends_with("a column lies outside the values"));
    }
    assert!(message(&[2, 0], &[0, 2]).contains("a start for each column and one more"));
}

#[test]
fn zip_that_is_broken() {
    let good = zip("x.npy", &npy("|u1", "(2, 1)", b"ab"), false);
    assert!(read_bytes("x.npz", &good, &TableOptions::default()).is_ok());
    let mut changed = good.clone();
    let at = changed.windows(2).position(|pair| pair == b"ab").unwrap();
    changed[at] = b'c';
    let message = plain("x.npz", &changed);
    assert!(message.contains("member `x.npy` has checksum"), "{message}");

    let directory = good.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    let mut encrypted = good.clone();
    encrypted[directory + 8] = 1;
    assert_eq!(plain("x.npz", &encrypted), "x.npz: member `x.npy` is encrypted");
    let mut bzip = good.clone();
    bzip[directory + 10] = 12;
    assert_eq!(plain("x.npz", &bzip), "x.npz: member `x.npy` is packed by method 12");
    assert_eq!(
        plain("x.npz", zip("readme.txt", b"text", true)),
        "x.npz holds no data: no numeric array but none"
    );
    assert!(plain("x.npz", "no zip at all").contains("does not begin as a zip archive"));
}

#[test]
fn arrays_that_cannot_be_read() {
    let message = |descr| plain("x.npy", npy(descr, "(1, 1)", &[0; 64]));
    assert!(message("|O").ends_with("it holds items of type object (pickled)"));
    assert!(message("<c8").ends_with("it holds items of type `<c8`"));
    assert!(message("<U3").ends_with("numbers were expected in the array, it holds text"));
    assert_eq!(
        plain("x.npy", npy("<f4", "()", &[0; 4])),
        "x.npy: `the array` is a single number, a matrix was expected"
    );
    assert_eq!(
        plain("x.npy", npy("<f4", "(1000000000000, 0)", &[])),
        "x.npy holds no data: `the array` is 1000000000000×0"
    );
    assert!(plain("x.npy", "neither magic nor header").contains("the magic bytes"));
    assert!(plain("x.idx", "neither").contains("instead of [00, 00, type, axes]"));
    assert!(plain("x.idx", b"\0\0\x07\x01\0\0\0\x01a").contains("type 0x07 is not known"));
}

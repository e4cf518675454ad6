//! `.csv`, `.tsv` and `.txt`, and what is found out without being told.

use std::fs;

use ndarray::array;
use procrust_datasets::{TableOptions, read_table};

use crate::{npy, options, read_bytes};

#[test]
fn csv_with_a_header() {
    let text = "\u{feff}a, b ,Class,c\r\n1,2,\"cat, big\",3\r\n\r\n4,5e-1, dog ,-6\r\n";
    let table = read_bytes("x.csv", text, &TableOptions::default()).unwrap();
    assert_eq!(table.features, array![[1.0, 2.0, 3.0], [4.0, 0.5, -6.0]]);
    assert_eq!(table.labels.unwrap(), ["cat, big", "dog"]);

    let table = read_bytes("x.csv", text, &options(&["c", "b"], "0")).unwrap();
    assert_eq!(table.features, array![[3.0, 2.0], [-6.0, 0.5]]);
    assert_eq!(table.labels.unwrap(), ["1", "4"], "columns go by index from 0, too");
}

#[test]
fn csv_without_a_header() {
    let text = "1,2,1.0\n3,4,2.0";
    let table = read_bytes("x.csv", text, &TableOptions::default()).unwrap();
    assert_eq!(table.features, array![[1.0, 2.0, 1.0], [3.0, 4.0, 2.0]]);
    assert_eq!(table.labels, None);
    let table = read_bytes("x.csv", text, &options(&[], "2")).unwrap();
    assert_eq!(table.features, array![[1.0, 2.0], [3.0, 4.0]]);
    assert_eq!(table.labels.unwrap(), ["1", "2"]);
}

#[test]
fn usual_names_of_labels_are_features_when_asked_for_as_such() {
    let text = "x,y\n1,2\n3,4\n";
    let table = read_bytes("x.csv", text, &options(&["x", "y"], "")).unwrap();
    assert_eq!((table.features, table.labels), (array![[1.0, 2.0], [3.0, 4.0]], None));
    let table = read_bytes("x.csv", text, &TableOptions::default()).unwrap();
    assert_eq!(table.labels.unwrap(), ["2", "4"]);
}

#[test]
fn the_surest_name_of_labels_wins() {
    let text = "x,y,Label\n1,2,cat\n3,4,dog\n";
    let table = read_bytes("x.csv", text, &TableOptions::default()).unwrap();
    assert_eq!(table.features, array![[1.0, 2.0], [3.0, 4.0]]);
    assert_eq!(table.labels.unwrap(), ["cat", "dog"]);
}

#[test]
fn tsv_and_packed_csv() {
    let table = read_bytes("x.tsv", "a\ttarget\n1\tx,y\n", &TableOptions::default()).unwrap();
    assert_eq!((table.features, table.labels.unwrap()), (array![[1.0]], vec!["x,y".to_owned()]));

    use std::io::Write as _;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(b"a,b\n1,2\n").unwrap();
    let bytes = gzip.finish().unwrap();
    let table = read_bytes("x.csv.gz", bytes, &TableOptions::default()).unwrap();
    assert_eq!(table.features, array![[1.0, 2.0]]);
}

#[test]
fn labels_in_a_file_beside() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("x.npy");
    fs::write(&data, npy("|u1", "(2, 1)", &[5, 6])).unwrap();
    let files = [
        ("l.txt", "a cat\r\n 2.0 \n\n"),
        ("head.csv", "label\na cat\n2\n"),
        ("two.csv", "id,Label\n1,a cat\n2,2\n"),
    ];
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
        let table = read_table(&data, &options(&[], name)).unwrap();
        assert_eq!(table.labels.unwrap(), ["a cat", "2"], "{name}");
    }
    for text in ["kind\n1\n2.0", "1\n2", "+1\r\n2e0\r\n"] {
        fs::write(folder.path().join("l.csv"), text).unwrap();
        let table = read_table(&data, &options(&[], "l.csv")).unwrap();
        assert_eq!(table.labels.unwrap(), ["1", "2"], "{text}");
    }
}

#[test]
fn the_first_bytes_tell_where_the_name_does_not() {
    let file = npy("<i2", "(1, 2)", &[1, 0, 255, 255]);
    let table = read_bytes("data.bin", file, &TableOptions::default()).unwrap();
    assert_eq!(table.features, array![[1.0, -1.0]]);
    let table =
        read_bytes("digits", b"\0\0\x08\x01\0\0\0\x02ab", &TableOptions::default()).unwrap();
    assert_eq!(table.features, array![[97.0], [98.0]]);
}

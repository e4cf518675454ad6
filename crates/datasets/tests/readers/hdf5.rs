//! Files of MATLAB's version 7.3, which are HDF5.

use ndarray::{Array2, array};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::{error, golden, golden_bytes, options, read_bytes};

/// Files, with their labels.
const FILES: [(&str, &str); 2] = [("plain73.mat", "labels"), ("packed73.mat", "answers")];

fn read(name: &str, features: &[&str], labels: &str) -> procrust_datasets::Table {
    procrust_datasets::read_table(golden(name), &options(features, labels)).unwrap()
}

fn message(name: &str, feature: &str) -> String {
    error("x.mat", golden_bytes(name), &options(&[feature], ""))
}

#[test]
fn chunks_are_put_together() {
    let whole = Array2::from_shape_fn((5, 4), |(i, j)| (4 * i + j) as f32);
    let real = (&whole - 7.0) / 8.0;
    for name in ["double", "shuffled"] {
        let table = read("packed73.mat", &[name], "answers");
        assert_eq!(table.features, real, "{name}");
        assert_eq!(table.labels.unwrap(), ["1", "2", "3", "1", "2"]);
    }
    assert_eq!(read("packed73.mat", &["bare"], "").features, whole);
    let wide = Array2::from_shape_fn((2, 300), |(i, j)| (300 * i + j) as f32);
    assert_eq!(read("packed73.mat", &["wide"], "").features, wide);
    let cube = read("packed73.mat", &["cube"], "");
    assert_eq!(cube.pictures().unwrap().into_raw_vec_and_offset().0, Vec::from_iter(0..24));
}

#[test]
fn rare_variables() {
    assert_eq!(read("plain73.mat", &["zeros"], "").features, Array2::<f32>::zeros((5, 3)));
    assert_eq!(read("plain73.mat", &["big_endian"], "").features[(4, 3)], 1.5);
    let matrix = procrust_datasets::read_matrix(golden("plain73.mat"), "two").unwrap();
    assert_eq!(matrix, array![[1.0, 2.0]]);
    // Without the block of the user's own.
    let bare = golden_bytes("plain73.mat")[512..].to_vec();
    let table = read_bytes("x.mat", bare, &options(&["double"], "labels")).unwrap();
    assert_eq!(table.features, read("plain73.mat", &["double"], "labels").features);
}

#[test]
fn what_cannot_be_read_is_named() {
    assert_eq!(
        message("plain73.mat", "text"),
        "x.mat: numbers were expected in variable text 1×11 (char)"
    );
    assert_eq!(
        message("plain73.mat", "cells"),
        "x.mat: numbers were expected in variable cells 1×2 (cell)"
    );
    assert_eq!(
        message("plain73.mat", "record"),
        "x.mat: numbers were expected in variable record 1×1 (struct)"
    );
    assert_eq!(
        message("plain73.mat", "complex"),
        "x.mat: numbers were expected in variable complex 2×2 (complex)"
    );
    assert_eq!(message("plain73.mat", "empty"), "x.mat holds no data: `empty` is 0×3");
    let said = message("plain73.mat", "doubel");
    assert!(said.contains("(did you mean `double`?)") && !said.contains("#refs#"), "{said}");
    assert_eq!(
        message("newer73.mat", "x"),
        "x.mat: a superblock of version 3: MATLAB writes no such HDF5, and it cannot be read; save with -v7"
    );
}

#[test]
fn files_that_are_cut_off_are_told_wherever_the_cut_is() {
    for (name, labels) in FILES {
        let bytes = golden_bytes(name);
        for end in (1..bytes.len()).step_by(29) {
            // What lies behind the cut may not be asked for.
            if let Ok(table) = read_bytes("x.mat", &bytes[..end], &options(&["double"], labels)) {
                assert_eq!(table.features[(4, 3)], 1.5, "{name} cut at {end}");
            }
        }
        let said = error("x.mat", &bytes[..600], &options(&["double"], ""));
        assert!(said.starts_with("x.mat ends early: "), "{said}");
    }
    let mut header = golden_bytes("plain73.mat");
    header.truncate(512);
    let said = error("x.mat", &header, &options(&[], ""));
    assert_eq!(said, "x.mat is not a readable .mat (HDF5) file: no superblock of HDF5 was found");
}

#[test]
fn damage_to_packed_data_is_noticed() {
    let bytes = golden_bytes("packed73.mat");
    let good = read("packed73.mat", &["shuffled"], "").features;
    let mut noticed = 0;
    for at in (512..bytes.len()).step_by(11) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x10;
        match read_bytes("x.mat", &bytes, &options(&["shuffled"], "")) {
            Ok(table) if table.features == good => {}
            // An attribute, or a name: of the data nothing changes unnoticed.
            Ok(table) => assert_eq!(table.features.len(), good.len(), "byte {at}"),
            Err(_) => noticed += 1,
        }
    }
    assert!(noticed > 10, "{noticed}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Numbers that are all ones, or small, or whatever, where the format has addresses and sizes.
    #[test]
    fn broken_numbers_never_panic(
        file in 0..2_usize,
        feature in 0..3_usize,
        changes in prop::collection::vec(
            (any::<Index>(), prop_oneof![Just(u64::MAX), 0..4096_u64, any::<u64>()], 1..9_usize),
            1..4,
        ),
    ) {
        let mut bytes = golden_bytes(FILES[file].0);
        for (at, number, size) in changes {
            let at = 512 + at.index(bytes.len() - 520);
            bytes[at..at + size.min(8)].copy_from_slice(&number.to_le_bytes()[..size.min(8)]);
        }
        let feature = [["sparse", "cube", "double"], ["double", "shuffled", "wide"]][file][feature];
        if let Ok(table) = read_bytes("x.mat", &bytes, &options(&[feature], FILES[file].1)) {
            prop_assert_eq!(table.labels.map(|labels| labels.len()), Some(table.features.nrows()));
        }
    }
}

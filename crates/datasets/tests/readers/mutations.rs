//! Whatever a file holds, reading it returns.

use proptest::prelude::*;
use proptest::sample::Index;

use crate::{golden_bytes, options, read_bytes};

/// A valid file: its name, its bytes, and names of features and labels in it.
type File = (&'static str, Vec<u8>, Vec<(&'static str, &'static str)>);

fn files() -> Vec<File> {
    let named = |name: &'static str, asked| (name, golden_bytes(name), asked);
    vec![
        named("plain.mat", vec![("double", "labels"), ("sparse", "across"), ("cube", "")]),
        named("packed.mat", vec![("int8", "labels"), ("sparse", "across")]),
        named("plain73.mat", vec![("double", "labels"), ("sparse", "across"), ("cube", "two")]),
        named("packed73.mat", vec![("double", "answers"), ("shuffled", ""), ("wide", "")]),
        named("little.mat", vec![("fts", "labels"), ("few", "few")]),
        named("big_packed.mat", vec![("fts", "labels")]),
        named("stored.npz", vec![("little_f2_c", "big_text"), ("u1_f", "bytes")]),
        named("deflated.npz", vec![("big_f8_c", "labels")]),
        named("one.npz", vec![("", "")]),
        named("real.npy", vec![("", "")]),
        named("fortran.npy", vec![("", "fortran.npy")]),
        named("labels.npy", vec![("", "labels.npy")]),
        named("pictures.npy", vec![("", "")]),
        named("zero_based.svmlight", vec![("", "")]),
        named("one_based.svmlight", vec![("", "")]),
        named("t-images-idx3-ubyte", vec![("", "")]),
        named("t-images-idx3-ubyte.gz", vec![("", "")]),
        named("type0e.idx", vec![("", "type0e.idx")]),
        ("a.csv", b"a,b,label\n1,2.5,\"x\"\n-3,4e2,y\n".to_vec(), vec![("", ""), ("b", "a")]),
        ("a.tsv", b"1\t2\t3\r\n4\t5\t6\r\n".to_vec(), vec![("", ""), ("1", "2")]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn broken_files_never_panic(
        file in any::<Index>(),
        asked in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), any::<u8>()), 0..8),
        extra in prop::option::of((any::<Index>(), prop::collection::vec(any::<u8>(), 1..6))),
        cut in prop::option::of(any::<Index>()),
    ) {
        let files = files();
        let (name, bytes, names) = file.get(&files);
        let (features, labels) = asked.get(names);
        let mut bytes = bytes.clone();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Some((at, extra)) = extra {
            let at = at.index(bytes.len());
            bytes.splice(at..at, extra);
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        let features: &[&str] = if features.is_empty() { &[] } else { &[features] };
        if let Ok(table) = read_bytes(name, &bytes, &options(features, labels)) {
            // What is returned keeps its promises.
            let (rows, columns) = table.features.dim();
            prop_assert!(rows > 0 && columns > 0);
            prop_assert!(table.labels.is_none_or(|labels| labels.len() == rows));
        }
    }
}

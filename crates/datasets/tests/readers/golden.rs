//! Files that numpy, scipy and scikit-learn wrote, and files laid out as MATLAB does.

use ndarray::{Array2, array};
use procrust_datasets::{Table, TableOptions, read_table};

use crate::{golden, options};

/// 5 × 4, as the script makes it.
fn whole() -> Array2<f32> {
    Array2::from_shape_fn((5, 4), |(i, j)| (4 * i + j) as f32)
}

fn signed() -> Array2<f32> {
    whole() - 7.0
}

fn real() -> Array2<f32> {
    signed() / 8.0
}

/// What the script stores in a type of this kind.
fn expected(kind: char) -> Array2<f32> {
    match kind {
        'u' => whole(),
        'i' => signed(),
        'b' => whole().mapv(|x| f32::from(x % 3.0 == 0.0)),
        _ => real(),
    }
}

fn sparse() -> Array2<f32> {
    real() * whole().mapv(|x| f32::from(x % 3.0 != 1.0))
}

fn read(name: &str, features: &[&str], labels: &str) -> Table {
    read_table(golden(name), &options(features, labels)).unwrap()
}

const LABELS: [&str; 5] = ["1", "2", "3", "1", "2"];
const TEXTS: [&str; 5] = ["cat", "dog", "Öl", "1", "cat"];

#[test]
fn npz_of_every_type_order_and_packing() {
    for file in ["stored.npz", "deflated.npz"] {
        let mut names = vec!["|b1".to_owned(), "|u1".to_owned(), "|i1".to_owned()];
        for order in ["little_", "big_"] {
            for kind in ["u2", "i2", "u4", "i4", "u8", "i8", "f2", "f4", "f8"] {
                names.push(format!("{order}{kind}"));
            }
        }
        for name in names {
            let name = name.trim_start_matches('|');
            let kind = name.rsplit('_').next().unwrap().chars().next().unwrap();
            for order in ["c", "f"] {
                let table = read(file, &[&format!("{name}_{order}")], "");
                assert_eq!(table.features, expected(kind), "{file} {name}_{order}");
                assert_eq!(table.labels.unwrap(), TEXTS, "the array `labels`, unasked");
            }
        }
    }
}

#[test]
fn npz_labels_of_every_kind() {
    for file in ["stored.npz", "deflated.npz"] {
        for name in ["numbers", "column"] {
            assert_eq!(read(file, &["u1_c"], name).labels.unwrap(), LABELS, "{file} {name}");
        }
        assert_eq!(read(file, &["u1_c"], "big_text").labels.unwrap(), TEXTS);
        let bytes = read(file, &["u1_c"], "bytes").labels.unwrap();
        assert_eq!(bytes, ["cat", "dog", "x", "1", "cat"]);
    }
}

#[test]
fn npz_arrays_side_by_side_and_alone() {
    let table = read("stored.npz", &["u1_c", "little_f4_f"], "");
    assert_eq!(table.features.dim(), (5, 8));
    assert_eq!(table.features.row(2), array![8.0, 9.0, 10.0, 11.0, 0.125, 0.25, 0.375, 0.5]);
    let table = read("one.npz", &[], "");
    assert_eq!((table.features, table.labels.unwrap()), (real(), LABELS.map(String::from).into()));
}

#[test]
fn npy_files() {
    for (name, values) in
        [("real.npy", real()), ("fortran.npy", signed()), ("version2.npy", real())]
    {
        let table = read(name, &[], "");
        assert_eq!(table.features, values, "{name}");
        assert_eq!(table.labels, None);
        assert!(!table.sparse);
    }
    assert_eq!(read("real.npy", &[], "labels.npy").labels.unwrap(), TEXTS);
    assert_eq!(read("list.npy", &[], "").features, array![[0.0], [1.0], [2.0], [3.0], [4.0]]);
}

#[test]
fn npy_pictures_keep_their_shape() {
    let table = read("pictures.npy", &[], "");
    assert_eq!(table.picture, Some((3, 4)));
    assert_eq!(table.features.dim(), (2, 12));
    let pictures = table.pictures().unwrap();
    assert_eq!((pictures.dim(), pictures[(1, 2, 3)], pictures[(1, 0, 0)]), ((2, 3, 4), 23, 12));
}

#[test]
fn mat_of_every_class() {
    for file in ["plain.mat", "packed.mat", "plain73.mat"] {
        let classes = [
            ("int8", 'i'),
            ("uint8", 'u'),
            ("int16", 'i'),
            ("uint16", 'u'),
            ("int32", 'i'),
            ("uint32", 'u'),
            ("int64", 'i'),
            ("uint64", 'u'),
            ("single", 'f'),
            ("double", 'f'),
            ("logical", 'b'),
        ];
        for (class, kind) in classes {
            let table = read(file, &[class], "labels");
            assert_eq!(table.features, expected(kind), "{file} {class}");
            assert_eq!(table.labels.unwrap(), LABELS, "{file} {class}");
        }
        let table = read(file, &["sparse"], "across");
        assert_eq!((table.features, table.sparse), (sparse(), false), "{file}");
        assert_eq!(table.labels.unwrap(), LABELS, "{file}: a row of labels");

        // Two pictures, as labels just some two numbers.
        let table = read(file, &["cube"], "two");
        assert_eq!((table.features.dim(), table.picture), ((2, 12), Some((3, 4))), "{file}");
        assert_eq!(table.pictures().unwrap().into_raw_vec_and_offset().0, Vec::from_iter(0..24));
    }
}

#[test]
fn mat_without_names() {
    let table = read("default.mat", &[], "");
    assert_eq!((table.features, table.labels.unwrap()), (real(), LABELS.map(String::from).into()));
}

#[test]
fn mat_as_matlab_writes_it() {
    for file in ["little.mat", "big.mat", "big_packed.mat"] {
        let table = read(file, &["fts"], "labels");
        assert_eq!(
            (table.features, table.labels.unwrap()),
            (whole(), LABELS.map(String::from).into())
        );
        assert_eq!(read(file, &["wide"], "").features, signed(), "{file}");
        let table = read_table(golden(file), &options(&["few"], "few")).unwrap();
        assert_eq!(table.features, array![[3.0], [4.0]], "{file}: values inside their tag");
        assert_eq!(table.labels.unwrap(), ["3", "4"]);
    }
}

#[test]
fn svmlight_counts_from_zero_or_one() {
    let mut zero = read("zero_based.svmlight", &[], "");
    let mut one = read("one_based.svmlight", &[], "");
    assert_eq!((zero.first_index, one.first_index), (Some(0), Some(1)));
    for table in [&zero, &one] {
        assert_eq!(table.features, sparse());
        assert_eq!(table.labels.as_ref().unwrap(), &LABELS);
        assert!(table.sparse);
    }
    zero.widen(6).unwrap();
    assert_eq!(zero.features.dim(), (5, 6));
    let mut both = [zero, one.clone()];
    Table::share_columns(&mut both).unwrap();
    assert_eq!(both[1].features.dim(), (5, 6));
    assert_eq!(both[1].features[(0, 1)], -0.875, "index 1 is the second column beside index 0");
    one.widen(4).unwrap();
    assert_eq!(one.features, sparse());
}

#[test]
fn idx_of_every_type() {
    for file in ["t-images-idx3-ubyte", "t-images-idx3-ubyte.gz"] {
        let table = read(file, &[], "t-labels-idx1-ubyte");
        assert_eq!(table.picture, Some((3, 4)));
        assert_eq!(table.pictures().unwrap().into_raw_vec_and_offset().0, Vec::from_iter(0..24));
        assert_eq!(table.labels.unwrap(), ["7", "0"]);
    }
    for (file, kind) in [("09", 'i'), ("0b", 'i'), ("0c", 'i'), ("0d", 'f'), ("0e", 'f')] {
        let table = read_table(golden(&format!("type{file}.idx")), &TableOptions::default());
        assert_eq!(table.unwrap().features, expected(kind), "{file}");
    }
}

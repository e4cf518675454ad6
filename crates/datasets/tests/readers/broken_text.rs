//! Broken text files: `.csv` and svmlight.

use procrust_datasets::TableOptions;

use crate::{error, options};

fn plain(name: &str, bytes: impl AsRef<[u8]>) -> String {
    error(name, bytes, &TableOptions::default())
}

#[test]
fn csv_line_of_the_wrong_width() {
    assert_eq!(
        plain("x.csv", "a,b,c\n1,2,3\n4,5\n"),
        "x.csv, line 3: 2 fields instead of 3, wrong from column 3 on"
    );
    assert_eq!(
        plain("x.csv", "1,2\r\n\r\n\r\n3,4\r\n5,6,7,8\r\n"),
        "x.csv, line 5: 4 fields instead of 2, wrong from column 3 on"
    );
    let quoted = "a,class\n1,\"two\nlines\"\n2\n";
    assert_eq!(
        plain("x.csv", quoted),
        "x.csv, line 4: 1 fields instead of 2, wrong from column 2 on"
    );
}

#[test]
fn csv_cell_without_a_number() {
    assert_eq!(
        plain("x.csv", "a,width\n1,2\n\n3,wide\n"),
        "x.csv, line 4, column `width`: expected a number, found `wide`"
    );
    assert_eq!(
        plain("x.csv", "1,2\r\n3,\r\n"),
        "x.csv, line 2, column 2: expected a number, found nothing"
    );
    let long = format!("a,b\n1,2\n1,{}\n", "é".repeat(100));
    assert!(plain("x.csv", long).ends_with(&format!("found `{}…`", "é".repeat(40))));
}

#[test]
fn csv_value_that_is_not_finite() {
    assert_eq!(
        error("x.csv", "a,b,c\n1,2,3\n4,5,nan\n", &options(&["c", "a"], "")),
        "x.csv: row 2, column 3 (counted from 1) is NaN, not a finite 32-bit number"
    );
    assert_eq!(
        plain("x.csv", "1,2\n4,-1e40\n"),
        "x.csv: row 2, column 2 (counted from 1) is -inf, not a finite 32-bit number"
    );
}

#[test]
fn csv_column_that_is_not_there() {
    assert_eq!(
        error("x.csv", "width,height\n1,2\n", &options(&["hight"], "")),
        "x.csv has no column `hight` (did you mean `height`?); it has width, height"
    );
    assert_eq!(
        error("x.csv", "1,2\n3,4\n", &options(&[], "kind")),
        "x.csv has no column `kind`; it has no header and the indices 0 to 1"
    );
    assert_eq!(
        error("x.csv", "1,2\n3,4\n", &options(&["2"], "")),
        "x.csv has no column `2`; it has no header and the indices 0 to 1"
    );
}

#[test]
fn csv_without_data() {
    assert_eq!(plain("x.csv", ""), "x.csv holds no data: the file is empty");
    assert_eq!(plain("x.csv", "\n\r\n"), "x.csv holds no data: there are only empty lines");
    assert_eq!(plain("x.csv", "a,b\n"), "x.csv holds no data: a header and no rows");
    assert_eq!(
        plain("x.csv", "label\n1\n"),
        "x.csv holds no data: no column is left for the features"
    );
}

#[test]
fn csv_label_that_is_missing() {
    assert_eq!(
        plain("x.csv", "a,label\n1,cat\n2, \n"),
        "x.csv: the label of row 2 (counted from 1) is nothing"
    );
}

#[test]
fn svmlight_pair_that_is_broken() {
    let cases = [
        ("1 1:2 2:x\n", "line 1: `2:x`: the value is not a number"),
        ("1 1:2\n# c\n2 3\n", "line 3: `3`: expected index:value"),
        (
            "1 1:2\n-1 a:2\n",
            "line 2: `a:2`: the index should be a whole number from 0 to 4294967294",
        ),
        ("1 2:1 1:1\n", "line 1: `1:1`: indices should increase along a line"),
        ("1:2\n", "line 1: `1:2`: a label was expected first"),
        ("1 1:", "line 1: `1:`: the value is not a number"),
    ];
    for (text, message) in cases {
        assert_eq!(plain("x.svm", text), format!("x.svm, {message}"), "{text}");
    }
}

#[test]
fn svmlight_value_that_is_not_finite() {
    assert_eq!(
        plain("x.libsvm", "1 1:2 3:4\n1 2:1 3:inf\n"),
        "x.libsvm: row 2, column 3 (counted from 1) is inf, not a finite 32-bit number"
    );
}

#[test]
fn svmlight_too_wide_for_memory() {
    assert_eq!(
        plain("x.svmlight", "1 4294967294:1\n1 1:1\n"),
        "x.svmlight: 2 rows × 4294967294 columns take 34359738352 bytes as a dense matrix; \
         at most 8589934592 are allowed"
    );
}

#[test]
fn svmlight_without_data_or_with_names() {
    assert_eq!(plain("x.svm", ""), "x.svm holds no data: the file is empty");
    assert_eq!(
        plain("x.svm", "# nothing\n1\n2\n"),
        "x.svm holds no data: 2 lines without a single index:value"
    );
    assert!(error("x.svm", "1 1:1\n", &options(&["a"], "")).contains("leave `features` out"));
    assert!(error("x.svm", "1 1:1\n", &options(&[], "y")).contains("lines begin with theirs"));
}

//! What the program says of input that it can't use: where, what was expected, what was found.

use crate::common::{Folder, mat, plan, plan_with_first_domain};

#[track_caller]
fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "expected {part:?} in:\n{text}");
    }
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    let folder = Folder::with_domains();
    let said = folder.complaint(&plan("[prepare]\ncolums = \"zscore\"\n"));
    contains(&said, &["plan.toml:14:", "`colums`", "did you mean `columns`?"]);
    assert!(!folder.path().join("out/results.jsonl").exists());
}

#[test]
fn a_method_of_another_kind_is_refused() {
    let folder = Folder::with_domains();
    let said = folder.complaint(&plan("[[method]]\nname = \"procrustes\"\n"));
    contains(&said, &["plan.toml:14:", "kind = \"adaptation\"", "`procrustes`", "coral"]);
}

#[test]
fn a_missing_plan_is_named() {
    let folder = Folder::new();
    let output = folder.experiment(&["nowhere.toml"]).code(1).get_output().clone();
    contains(&String::from_utf8_lossy(&output.stderr), &["nowhere.toml"]);
}

#[test]
fn a_missing_file_is_named_with_the_line_of_the_plan() {
    let folder = Folder::with_domains();
    let said = folder.complaint(&plan_with_first_domain("file = \"gone.mat\""));
    contains(&said, &["plan.toml:5:", "gone.mat"]);
}

#[test]
fn a_mat_file_without_the_variable_lists_those_it_has() {
    let folder = Folder::with_domains();
    let values = [1.0, 2.0, 3.0, 4.0];
    folder.write("a.mat", mat(&[("fts", 2, 2, &values), ("labels", 2, 1, &values[..2])]));
    let domain = "file = \"a.mat\"\nfeatures = \"features\"\nlabels = \"labels\"";
    let said = folder.complaint(&plan_with_first_domain(domain));
    contains(&said, &["domain `a`", "a.mat", "`features`", "fts", "labels"]);
}

#[test]
fn rows_and_labels_of_unequal_number_are_both_counted() {
    let folder = Folder::with_domains();
    let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    folder.write("a.mat", mat(&[("fts", 3, 2, &values), ("labels", 2, 1, &values[..2])]));
    let domain = "file = \"a.mat\"\nfeatures = \"fts\"\nlabels = \"labels\"";
    let said = folder.complaint(&plan_with_first_domain(domain));
    contains(&said, &["a.mat", "3", "2", "label"]);
}

#[test]
fn nan_in_features_names_file_row_and_column() {
    let folder = Folder::with_domains();
    folder.write("n.csv", "x,y,label\n1,2,c0\n3,NaN,c1\n");
    let said = folder.complaint(&plan_with_first_domain("file = \"n.csv\""));
    contains(&said, &["n.csv", "row 2", "column 2"]);
}

#[test]
fn a_source_of_one_class_is_refused() {
    let folder = Folder::with_domains();
    folder.write("one.csv", "x,y,label\n1,2,c0\n3,4,c0\n");
    let said = folder.complaint(&plan_with_first_domain("file = \"one.csv\""));
    contains(&said, &["domain `a`", "`c0`", "at least two classes"]);
}

#[test]
fn domains_of_unequal_width_are_refused() {
    let folder = Folder::with_domains();
    folder.write("w.csv", "x,label\n1,c0\n3,c1\n");
    let said = folder.complaint(&plan_with_first_domain("file = \"w.csv\""));
    contains(&said, &["`b` has 2 columns", "`a` has 1"]);
}

#[test]
fn a_setting_that_a_classifier_does_not_have_is_refused() {
    let folder = Folder::with_domains();
    let svm = "[[classifier]]\nname = \"svm\"\nkernel = \"rbf\"\n";
    let said = folder.complaint(&plan(&format!("{svm}degree = 2\n")));
    contains(&said, &["plan.toml:16:", "`degree`", "c, gamma, kernel"]);
    let said = folder.complaint(&plan(&svm.replace("rbf", "sigmoid")));
    contains(&said, &["plan.toml:15:", "`sigmoid` is not known", "linear, poly, rbf"]);
    let said = folder.complaint(&plan(&format!("{svm}c = [1, -1]\n")));
    contains(&said, &["plan.toml:16:", "a number above 0", "found -1"]);
    let said = folder.complaint(&plan("[[classifier]]\nname = \"knn\"\nk = [3, 1]\n"));
    contains(&said, &["plan.toml:13:", "`knn` stands twice with equal settings"]);
}

const WORDS: &str = "chat 1 0\nchien 0 1\nvache 1 1\n";

fn lexicon_plan() -> String {
    "name = \"w\"\nkind = \"lexicon\"\n[source]\nfile = \"s.txt\"\n[target]\nfile = \"t.txt\"\n\
     [lexicon]\ntrain = \"train.txt\"\ntest = \"test.txt\"\n[retrieval]\nat = [1]\ncsls_k = 2\n\
     [[method]]\nname = \"procrustes\"\n"
        .to_owned()
}

fn with_words() -> Folder {
    let folder = Folder::new();
    folder.write("s.txt", "cat 1 0\ndog 0 1\ncow 1 1\n");
    folder.write("t.txt", WORDS);
    folder.write("train.txt", "cat chat\ndog chien\n");
    folder.write("test.txt", "cow vache\n");
    folder
}

#[test]
fn the_small_lexicon_itself_is_fine() {
    let folder = with_words();
    folder.write("plan.toml", lexicon_plan());
    folder.experiment(&["plan.toml"]).success();
}

#[test]
fn an_empty_lexicon_is_named() {
    let folder = with_words();
    folder.write("test.txt", "\n");
    contains(&folder.complaint(&lexicon_plan()), &["test.txt", "empty"]);
}

#[test]
fn a_lexicon_with_no_word_in_the_vocabulary_says_so() {
    let folder = with_words();
    folder.write("train.txt", "chat cat\nchien dog\n");
    let said = folder.complaint(&lexicon_plan());
    contains(&said, &["train.txt", "no pair", "wrong way round"]);
}

#[test]
fn a_short_line_of_a_vector_file_is_named() {
    let folder = with_words();
    folder.write("s.txt", "cat 1 0\ndog 0\ncow 1 1\n");
    contains(&folder.complaint(&lexicon_plan()), &["s.txt", "2", "expected"]);
    let said = folder.complaint(&lexicon_plan());
    assert!(said.contains("s.txt:2") || said.contains("line 2"), "{said}");
}

#[test]
fn a_header_that_promises_too_much_allocates_nothing() {
    let folder = with_words();
    folder.write("s.txt", "1000000000000 2\ncat 1 0\n");
    contains(&folder.complaint(&lexicon_plan()), &["s.txt", "1000000000000"]);
}

#[test]
fn more_neighbours_than_words_are_refused() {
    let folder = with_words();
    let said = folder.complaint(&lexicon_plan().replace("csls_k = 2", "csls_k = 9"));
    contains(&said, &["csls_k = 9", "only 3 words"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named_before_any_work() {
    let folder = Folder::with_domains();
    folder.write("plan.toml", plan(""));
    folder.write("out", "a file stands where the folder should be");
    let output = folder.experiment(&["plan.toml"]).code(1).get_output().clone();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    contains(&said, &["cannot write to the folder out"]);
    assert!(!said.contains("reading the data"));
}

#[test]
fn a_wrong_argument_is_explained() {
    let folder = Folder::new();
    let output = folder.experiment(&["--tread", "2"]).code(2).get_output().clone();
    contains(&String::from_utf8_lossy(&output.stderr), &["--tread", "--threads"]);
}

fn similarity(test: &str) -> String {
    format!(
        "name = \"s\"\nkind = \"similarity\"\n[[space]]\nfile = \"s.txt\"\n[[test]]\nname = \"t\"\n{test}\n"
    )
}

#[test]
fn tests_of_word_vectors_that_cannot_be_used() {
    let folder = with_words();
    folder.write("pairs.txt", "cat dog 1\ndog cow x\n");
    let said = folder.complaint(&similarity("ratings = \"pairs.txt\""));
    contains(&said, &["test `t`", "pairs.txt, line 2, column 3", "`x`"]);
    let said = folder.complaint(&similarity("ratings = \"gone.txt\""));
    contains(&said, &["plan.toml:7:", "gone.txt"]);
    folder.write("pairs.csv", "a,b,score\ncat,dog,1\n");
    let said = folder.complaint(&similarity("ratings = \"pairs.csv\"\ncolumn = \"scores\""));
    contains(&said, &["`scores`", "did you mean `score`?"]);
    folder.write("questions.txt", ": x\ncat dog cow\n");
    let said = folder.complaint(&similarity("analogies = \"questions.txt\""));
    contains(&said, &["questions.txt, line 2", "3 fields instead of 4"]);
    let said = folder.complaint(&similarity("dataset = \"english-rating\""));
    contains(&said, &["plan.toml:7:", "did you mean `english-ratings`?"]);
    let said =
        folder.complaint(&similarity("ratings = \"pairs.csv\"\nanalogies = \"questions.txt\""));
    contains(&said, &["plan.toml:5:", "`ratings`, `analogies` and `dataset`"]);
}

/// Enough vectors for some tests is no mistake of the plan: the run fails and the others go on.
#[test]
fn a_test_without_known_words_is_a_failed_run() {
    let folder = with_words();
    folder.write("plan.toml", similarity("dataset = \"english-analogies\""));
    let output = folder.experiment(&["plan.toml"]).code(1).get_output().clone();
    contains(&String::from_utf8_lossy(&output.stderr), &["0 of 288 questions have vectors"]);
    assert!(folder.results().iter().any(|line| line["metric"] == "coverage"));
}

#[test]
fn settings_of_another_descriptor_are_refused() {
    let folder = Folder::with_domains();
    let images = |keys: &str| folder.complaint(&plan(&format!("[images]\n{keys}\n")));
    let said = images("descriptor = \"efficientnet\"");
    contains(
        &said,
        &["plan.toml:14:", "`efficientnet`", "did you mean `efficientnet-lite0`?", "hog"],
    );
    let said = images("descriptor = \"efficientnet-lite0\"\nsize = 16");
    contains(&said, &["plan.toml:14:", "`size` is 16: expected 32 to 4096"]);
    let said = images("descriptor = \"lbp\"\nsize = 16");
    contains(&said, &["plan.toml:15:", "`size` is not known"]);
    let said = images("descriptor = \"efficientnet-lite0\"\nframing = \"center\"");
    contains(&said, &["plan.toml:15:", "`center`", "did you mean `centre`?", "whole"]);
}

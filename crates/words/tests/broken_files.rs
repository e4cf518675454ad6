//! The files of `broken/make.py`: under each policy the exact outcome, and no memory for promises.
//!
//! An outcome is an error's message with its causes, or the words and the report.

#![allow(unsafe_code, reason = "a global allocator is unsafe to write")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use flate2::write::GzEncoder;
use procrust_words::{Embeddings, OpenOptions, Policy, WriteOptions, stream};

/// The system's allocator, which counts the bytes of all threads.
struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is handed on as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::SeqCst) + layout.size();
        PEAK.fetch_max(now, Ordering::SeqCst);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::SeqCst);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One file at a time, so that the memory is its own.
static ALONE: Mutex<()> = Mutex::new(());

/// What is allocated whatever the file: samples, blocks, threads, the test program itself.
const CONSTANT: usize = 1 << 20;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/broken/files").join(name)
}

fn outcome(path: &Path, policy: Policy) -> String {
    let mut options = OpenOptions::default();
    options.policy = policy;
    match Embeddings::open(path, &options) {
        Ok(found) => {
            let mut outcome = found.words().to_vec().join(" ");
            for line in found.report().to_string().lines() {
                let fields: Vec<&str> =
                    line.split("  ").map(str::trim).filter(|field| !field.is_empty()).collect();
                outcome += &format!("; {}", fields.join(": "));
            }
            outcome
        }
        Err(error) => {
            let mut message = error.to_string();
            let mut error: &dyn std::error::Error = &error;
            while let Some(cause) = error.source() {
                message = format!("{message}: {cause}");
                error = cause;
            }
            let folder =
                format!("{}{}", path.parent().unwrap().display(), std::path::MAIN_SEPARATOR);
            format!("error: {}", message.replace(&folder, ""))
        }
    }
}

/// Rows that come one by one have the same end.
fn streamed(path: &Path, policy: Policy) -> String {
    let mut options = OpenOptions::default();
    options.policy = policy;
    let (mut words, mut values) = (Vec::new(), Vec::new());
    let result = stream(path, &options, |word, row| {
        words.push(word.to_owned());
        values.extend_from_slice(row);
        std::ops::ControlFlow::Continue(())
    });
    let opened = Embeddings::open(path, &options);
    match (result, opened) {
        (Ok(report), Ok(opened)) => {
            assert_eq!(words, opened.words().to_vec());
            assert!(opened.vectors().iter().eq(&values));
            assert_eq!(&report, opened.report());
            "the same".to_owned()
        }
        (Err(error), Err(other)) => {
            assert_eq!(error.to_string(), other.to_string());
            "the same".to_owned()
        }
        (streamed, opened) => format!("{streamed:?} and {opened:?}"),
    }
}

fn check(name: &str, expected: [&str; 3]) {
    let alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let path = path(name);
    let size = path.metadata().unwrap().len() as usize;
    // Threads are started before the memory is measured.
    rayon::broadcast(|_| ());
    let mut found = Vec::new();
    for policy in [Policy::Error, Policy::Skip, Policy::Lossy] {
        let before = NOW.load(Ordering::SeqCst);
        PEAK.store(before, Ordering::SeqCst);
        found.push(outcome(&path, policy));
        let peak = PEAK.load(Ordering::SeqCst).saturating_sub(before);
        assert!(peak <= 4 * size + CONSTANT, "{policy}: {peak} bytes for a file of {size}");
        assert_eq!(streamed(&path, policy), "the same", "{policy}");
    }
    drop(alone);
    assert_eq!(found, expected);
}

/// A few kilobytes that unpack to one line of 64 MB, and to a header that promises the world: blocks are all that
/// is taken.
#[test]
fn bombs_do_not_take_memory() {
    use std::io::Write;
    let alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    rayon::broadcast(|_| ());
    let folder = tempfile::tempdir().unwrap();
    let bomb = |name: &str, start: &str, part: &[u8]| {
        let path = folder.path().join(name);
        let file = std::fs::File::create(&path).unwrap();
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        packed.write_all(start.as_bytes()).unwrap();
        for _ in 0..(64 << 20) / part.len() {
            packed.write_all(part).unwrap();
        }
        packed.finish().unwrap();
        path
    };
    for (path, expected) in [
        (bomb("line.vec.gz", "", &[b'a'; 1 << 16]), "bytes without a line's end"),
        (
            bomb("rows.vec.gz", "100000000 300\n", &b"w 0 0 0 0\n".repeat(6000)),
            "expected 300 values",
        ),
    ] {
        let before = NOW.load(Ordering::SeqCst);
        PEAK.store(before, Ordering::SeqCst);
        let found = outcome(&path, Policy::Error);
        let peak = PEAK.load(Ordering::SeqCst).saturating_sub(before);
        assert!(found.contains(expected), "{found}");
        assert!(peak < 8 << 20, "{peak} bytes for {}", path.display());
    }
    drop(alone);
}

macro_rules! broken {
    ($($test:ident $file:literal: $error:literal, $skip:literal, $lossy:literal;)*) => {
        $(
            #[test]
            fn $test() {
                check($file, [$error, $skip, $lossy]);
            }
        )*

        /// No file without a test, and all of them small.
        #[test]
        fn all_files() {
            let mut listed = vec![$($file),*];
            listed.sort_unstable();
            let entries = path("").read_dir().unwrap().map(Result::unwrap);
            let mut size = 0;
            let mut names: Vec<String> = entries
                .map(|entry| {
                    size += entry.metadata().unwrap().len();
                    entry.file_name().into_string().unwrap()
                })
                .collect();
            names.sort_unstable();
            assert_eq!(names, listed);
            assert!(names.len() >= 60 && size < 100_000, "{} files, {size} bytes", names.len());
        }
    };
}

broken! {
    binary_columns_overflow "binary-columns-overflow.bin":
        "error: binary-columns-overflow.bin ends too early: expected 18446744073709551615 bytes of a vector at byte 26, found 48",
        "error: binary-columns-overflow.bin ends too early: expected 18446744073709551615 bytes of a vector at byte 26, found 48",
        "error: binary-columns-overflow.bin: 0 vectors of 9223372036854775807 dimensions: expected at least one of each";
    binary_cut_after_row "binary-cut-after-row.bin":
        "error: binary-cut-after-row.bin ends too early: expected 2 bytes of a word at byte 36, found 1",
        "error: binary-cut-after-row.bin ends too early: expected 2 bytes of a word at byte 36, found 1",
        "the of; wrong number of rows: 1: row 3 (byte 36) `3 promised, 2 found`";
    binary_cut_in_vector "binary-cut-in-vector.bin":
        "error: binary-cut-in-vector.bin ends too early: expected 12 bytes of a vector at byte 43, found 8",
        "error: binary-cut-in-vector.bin ends too early: expected 12 bytes of a vector at byte 43, found 8",
        "the of; wrong number of rows: 1: row 3 (byte 36) `3 promised, 2 found`; cut off: 1: row 3 (byte 36) `�été �������@`";
    binary_cut_in_word "binary-cut-in-word.bin":
        "error: binary-cut-in-word.bin ends too early: expected 6 bytes of a word at byte 36, found 5",
        "error: binary-cut-in-word.bin ends too early: expected 6 bytes of a word at byte 36, found 5",
        "the of; wrong number of rows: 1: row 3 (byte 36) `3 promised, 2 found`; cut off: 1: row 3 (byte 36) `�ét�`";
    binary_cut_without_feed "binary-cut-without-feed.bin":
        "error: binary-cut-without-feed.bin ends too early: expected 1 bytes of a word at byte 35, found 0",
        "error: binary-cut-without-feed.bin ends too early: expected 1 bytes of a word at byte 35, found 0",
        "the of; wrong number of rows: 1: row 3 (byte 35) `3 promised, 2 found`";
    binary_duplicate "binary-duplicate.bin":
        "the of; word again: 1: row 3 (byte 36) `the`",
        "the of; word again: 1: row 3 (byte 36) `the`",
        "the of; word again: 1: row 3 (byte 36) `the`";
    binary_fewer_promised "binary-fewer-promised.bin":
        "error: binary-fewer-promised.bin: expected the end after 2 vectors at byte 36, found `\nété \0\0\0\0\0\0�@\0\0\0>\n`",
        "error: binary-fewer-promised.bin: expected the end after 2 vectors at byte 36, found `\nété \0\0\0\0\0\0�@\0\0\0>\n`",
        "the of été; wrong number of rows: 1: row 4 (byte 55) `2 promised, 3 found`";
    binary_header_only "binary-header-only.bin":
        "error: binary-header-only.bin: the header promises 3 vectors, found 0",
        "error: binary-header-only.bin: the header promises 3 vectors, found 0",
        "error: binary-header-only.bin: 0 vectors of 3 dimensions: expected at least one of each";
    binary_infinity "binary-infinity.bin":
        "error: binary-infinity.bin: the vector of `not` (row 1) holds -inf at column 2: expected finite values",
        "the of; value is not finite: 1: row 2 (byte 20) `not`",
        "the of; value is not finite: 1: row 2 (byte 20) `not`";
    binary_many_columns_promised "binary-many-columns-promised.bin":
        "error: binary-many-columns-promised.bin ends too early: expected 4000000000000 bytes of a vector at byte 20, found 48",
        "error: binary-many-columns-promised.bin ends too early: expected 4000000000000 bytes of a vector at byte 20, found 48",
        "error: binary-many-columns-promised.bin: 0 vectors of 1000000000000 dimensions: expected at least one of each";
    binary_many_rows_promised "binary-many-rows-promised.bin":
        "error: binary-many-rows-promised.bin ends too early: expected 2 bytes of a word at byte 67, found 1",
        "error: binary-many-rows-promised.bin ends too early: expected 2 bytes of a word at byte 67, found 1",
        "the of été; wrong number of rows: 1: row 4 (byte 67) `1000000000000 promised, 3 found`";
    binary_nan_and_not_utf8 "binary-nan-and-not-utf8.bin":
        "error: binary-nan-and-not-utf8.bin: expected a word in UTF-8 at byte 20, found `�`",
        "the of; value is not finite: 1: row 2 (byte 20) `�`; word is not UTF-8: 1: row 2 (byte 20) `�`",
        "the of; value is not finite: 1: row 2 (byte 20) `�`; word is not UTF-8: 1: row 2 (byte 20) `�`";
    binary_nan "binary-nan.bin":
        "error: binary-nan.bin: the vector of `not` (row 1) holds NaN at column 1: expected finite values",
        "the of; value is not finite: 1: row 2 (byte 20) `not`",
        "the of; value is not finite: 1: row 2 (byte 20) `not`";
    binary_no_header "binary-no-header.bin":
        "error: binary-no-header.bin:1: value 1 is `\0\0\0?\0\0��\0\0\0@`: expected a number",
        "error: binary-no-header.bin: 0 vectors of 1 dimensions: expected at least one of each",
        "error: binary-no-header.bin: 0 vectors of 1 dimensions: expected at least one of each";
    binary_no_rows_header "binary-no-rows-header.bin":
        "error: binary-no-rows-header.bin:1: header `0 3`: expected the number of vectors and their dimensions, both at least 1",
        "error: binary-no-rows-header.bin: 0 vectors of 1 dimensions: expected at least one of each",
        "error: binary-no-rows-header.bin: 0 vectors of 1 dimensions: expected at least one of each";
    binary_not_utf8 "binary-not-utf8.bin":
        "error: binary-not-utf8.bin: expected a word in UTF-8 at byte 20, found `��`",
        "the of; word is not UTF-8: 1: row 2 (byte 20) `��`",
        "the �� of; word is not UTF-8: 1: row 2 (byte 20) `��`";
    binary_rest "binary-rest.bin":
        "error: binary-rest.bin: expected the end after 3 vectors at byte 55, found `\nmore`",
        "error: binary-rest.bin: expected the end after 3 vectors at byte 55, found `\nmore`",
        "the of été; cut off: 1: row 4 (byte 55) `�more`";
    binary_wrong_columns "binary-wrong-columns.bin":
        "error: binary-wrong-columns.bin: expected a word in UTF-8 at byte 32, found `\0\0@�\nété`",
        "error: binary-wrong-columns.bin: expected the end after 3 vectors at byte 51, found `\0\0\0>\n`",
        "the \0\0\0@\nof \0\0@�\nété; word is not UTF-8: 1: row 3 (byte 32) `��@��été`; cut off: 1: row 4 (byte 51) `���>�`";
    binary_zeros_behind "binary-zeros-behind.bin":
        "error: binary-zeros-behind.bin: expected the end after 3 vectors at byte 55, found `\n\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0`",
        "error: binary-zeros-behind.bin: expected the end after 3 vectors at byte 55, found `\n\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0`",
        "the of été; cut off: 1: row 4 (byte 55) `���������������������`";
    fifu_all_nan "fifu-all-nan.fifu":
        "error: fifu-all-nan.fifu: the vector of `a` (row 0) holds NaN at column 0: expected finite values",
        "error: fifu-all-nan.fifu: 0 vectors of 1 dimensions: expected at least one of each",
        "error: fifu-all-nan.fifu: 0 vectors of 1 dimensions: expected at least one of each";
    fifu_chunks_in_wrong_order "fifu-chunks-in-wrong-order.fifu":
        "error: fifu-chunks-in-wrong-order.fifu: expected a vocabulary (1, 3, 7, 8 or 9) in the list of chunks at byte 12, found chunk 2",
        "error: fifu-chunks-in-wrong-order.fifu: expected a vocabulary (1, 3, 7, 8 or 9) in the list of chunks at byte 12, found chunk 2",
        "error: fifu-chunks-in-wrong-order.fifu: expected a vocabulary (1, 3, 7, 8 or 9) in the list of chunks at byte 12, found chunk 2";
    fifu_code_too_large "fifu-code-too-large.fifu":
        "error: fifu-code-too-large.fifu: expected a code below 2 at byte 109, found 2",
        "error: fifu-code-too-large.fifu: expected a code below 2 at byte 109, found 2",
        "error: fifu-code-too-large.fifu: expected a code below 2 at byte 109, found 2";
    fifu_cut "fifu-cut.fifu":
        "error: fifu-cut.fifu ends too early: expected 26 bytes of a chunk at byte 62, found 23",
        "error: fifu-cut.fifu ends too early: expected 26 bytes of a chunk at byte 62, found 23",
        "error: fifu-cut.fifu ends too early: expected 26 bytes of a chunk at byte 62, found 23";
    fifu_duplicate "fifu-duplicate.fifu":
        "error: fifu-duplicate.fifu: expected different words at byte 45, found `a` again",
        "error: fifu-duplicate.fifu: expected different words at byte 45, found `a` again",
        "error: fifu-duplicate.fifu: expected different words at byte 45, found `a` again";
    fifu_few_rows "fifu-few-rows.fifu":
        "error: fifu-few-rows.fifu: expected rows for 2 words at byte 62, found 1",
        "error: fifu-few-rows.fifu: expected rows for 2 words at byte 62, found 1",
        "error: fifu-few-rows.fifu: expected rows for 2 words at byte 62, found 1";
    fifu_magic_only "fifu-magic-only.fifu":
        "error: fifu-magic-only.fifu ends too early: expected 4 bytes of format version at byte 4, found 0",
        "error: fifu-magic-only.fifu ends too early: expected 4 bytes of format version at byte 4, found 0",
        "error: fifu-magic-only.fifu ends too early: expected 4 bytes of format version at byte 4, found 0";
    fifu_many_centroids "fifu-many-centroids.fifu":
        "error: fifu-many-centroids.fifu ends too early: expected 17179869180 bytes of centroids at byte 100, found 10",
        "error: fifu-many-centroids.fifu ends too early: expected 17179869180 bytes of centroids at byte 100, found 10",
        "error: fifu-many-centroids.fifu ends too early: expected 17179869180 bytes of centroids at byte 100, found 10";
    fifu_many_chunks "fifu-many-chunks.fifu":
        "error: fifu-many-chunks.fifu: expected 2 to 4 chunks at byte 8, found 4294967295",
        "error: fifu-many-chunks.fifu: expected 2 to 4 chunks at byte 8, found 4294967295",
        "error: fifu-many-chunks.fifu: expected 2 to 4 chunks at byte 8, found 4294967295";
    fifu_many_rows_promised "fifu-many-rows-promised.fifu":
        "error: fifu-many-rows-promised.fifu ends too early: expected 4611686018427387904 bytes of a matrix at byte 80, found 8",
        "error: fifu-many-rows-promised.fifu ends too early: expected 4611686018427387904 bytes of a matrix at byte 80, found 8",
        "error: fifu-many-rows-promised.fifu ends too early: expected 4611686018427387904 bytes of a matrix at byte 80, found 8";
    fifu_many_words_promised "fifu-many-words-promised.fifu":
        "error: fifu-many-words-promised.fifu ends too early: expected 4611686018427387904 bytes of words at byte 40, found 48",
        "error: fifu-many-words-promised.fifu ends too early: expected 4611686018427387904 bytes of words at byte 40, found 48",
        "error: fifu-many-words-promised.fifu ends too early: expected 4611686018427387904 bytes of words at byte 40, found 48";
    fifu_nan "fifu-nan.fifu":
        "error: fifu-nan.fifu: the vector of `b` (row 1) holds NaN at column 0: expected finite values",
        "a; value is not finite: 1: row 2 `b`",
        "a; value is not finite: 1: row 2 `b`";
    fifu_no_codes "fifu-no-codes.fifu":
        "error: fifu-no-codes.fifu: expected columns that are a multiple of the codes at byte 70, found 1 for 0 codes",
        "error: fifu-no-codes.fifu: expected columns that are a multiple of the codes at byte 70, found 1 for 0 codes",
        "error: fifu-no-codes.fifu: expected columns that are a multiple of the codes at byte 70, found 1 for 0 codes";
    fifu_no_columns "fifu-no-columns.fifu":
        "error: fifu-no-columns.fifu: expected at least one column at byte 70, found 0",
        "error: fifu-no-columns.fifu: expected at least one column at byte 70, found 0",
        "error: fifu-no-columns.fifu: expected at least one column at byte 70, found 0";
    fifu_no_words "fifu-no-words.fifu":
        "error: fifu-no-words.fifu: expected at least one word at byte 32, found 0",
        "error: fifu-no-words.fifu: expected at least one word at byte 32, found 0",
        "error: fifu-no-words.fifu: expected at least one word at byte 32, found 0";
    fifu_norms_of_one "fifu-norms-of-one.fifu":
        "error: fifu-norms-of-one.fifu: expected norms of 2 words at byte 104, found 1",
        "error: fifu-norms-of-one.fifu: expected norms of 2 words at byte 104, found 1",
        "error: fifu-norms-of-one.fifu: expected norms of 2 words at byte 104, found 1";
    fifu_not_utf8 "fifu-not-utf8.fifu":
        "error: fifu-not-utf8.fifu: expected words in UTF-8 at byte 40, found `�`",
        "error: fifu-not-utf8.fifu: expected words in UTF-8 at byte 40, found `�`",
        "error: fifu-not-utf8.fifu: expected words in UTF-8 at byte 40, found `�`";
    fifu_rest "fifu-rest.fifu":
        "error: fifu-rest.fifu: expected the end at byte 88, found 4 more bytes",
        "error: fifu-rest.fifu: expected the end at byte 88, found 4 more bytes",
        "error: fifu-rest.fifu: expected the end at byte 88, found 4 more bytes";
    fifu_version "fifu-version.fifu":
        "error: fifu-version.fifu: expected format version 0 at byte 4, found 7",
        "error: fifu-version.fifu: expected format version 0 at byte 4, found 7",
        "error: fifu-version.fifu: expected format version 0 at byte 4, found 7";
    fifu_wrong_type "fifu-wrong-type.fifu":
        "error: fifu-wrong-type.fifu: expected type 10 at byte 74, found 7",
        "error: fifu-wrong-type.fifu: expected type 10 at byte 74, found 7",
        "error: fifu-wrong-type.fifu: expected type 10 at byte 74, found 7";
    glove_all_duplicates "glove-all-duplicates.txt":
        "a; word again: 8: line 2 `a`, line 3 `a`, line 4 `a`, line 5 `a`, line 6 `a`, …",
        "a; word again: 8: line 2 `a`, line 3 `a`, line 4 `a`, line 5 `a`, line 6 `a`, …",
        "a; word again: 8: line 2 `a`, line 3 `a`, line 4 `a`, line 5 `a`, line 6 `a`, …";
    glove_bad_first_line "glove-bad-first-line.txt":
        "error: glove-bad-first-line.txt:1: value 1 is `vectors`: expected a number",
        "the of été; wrong number of values: 1: line 1 `# vectors of three words`",
        "the of été; wrong number of values: 1: line 1 `# vectors of three words`";
    glove_blank_first_line "glove-blank-first-line.txt":
        "error: glove-blank-first-line.txt:1: expected 1 values, found 0",
        "the of été; clean",
        "the of été; clean";
    glove_csv "glove-csv.txt":
        "error: glove-csv.txt:1: expected 1 values, found 0",
        "error: glove-csv.txt:1: expected 1 values, found 0",
        "error: glove-csv.txt:1: expected 1 values, found 0";
    glove_empty "glove-empty.txt":
        "error: glove-empty.txt is empty: expected word vectors",
        "error: glove-empty.txt is empty: expected word vectors",
        "error: glove-empty.txt is empty: expected word vectors";
    glove_few_values "glove-few-values.txt":
        "error: glove-few-values.txt:2: expected 3 values, found 2",
        "the été; wrong number of values: 1: line 2 `of 1.5 0.25`",
        "the été; wrong number of values: 1: line 2 `of 1.5 0.25`";
    glove_html "glove-html.txt":
        "error: glove-html.txt:1: value 1 is `html>`: expected a number",
        "error: glove-html.txt: 0 vectors of 1 dimensions: expected at least one of each",
        "error: glove-html.txt: 0 vectors of 1 dimensions: expected at least one of each";
    glove_no_good_row "glove-no-good-row.txt":
        "error: glove-no-good-row.txt:1: value 2 is `nan`: expected a finite 32-bit number",
        "error: glove-no-good-row.txt: 0 vectors of 2 dimensions: expected at least one of each",
        "error: glove-no-good-row.txt: 0 vectors of 2 dimensions: expected at least one of each";
    glove_short_first_line "glove-short-first-line.txt":
        "error: glove-short-first-line.txt:2: expected 2 values, found 3",
        "of été; wrong number of values: 1: line 1 `the 0.5 -1.0`",
        "of été; wrong number of values: 1: line 1 `the 0.5 -1.0`";
    glove_space_and_nan "glove-space-and-nan.txt":
        "error: glove-space-and-nan.txt:4: expected 3 values, found 5",
        "the of été; wrong number of values: 1: line 4 `. . . 1 nan 3`",
        "the of été; value is not finite: 1: line 4 `. . . 1 nan 3`";
    glove_space_in_words "glove-space-in-words.txt":
        "error: glove-space-in-words.txt:4: expected 3 values, found 5",
        "the of été; wrong number of values: 2: line 4 `. . . 1 2 3`, line 5 `at name@domain.com 4 5 6`",
        "the of été . . . at name@domain.com; word with spaces: 2: line 4 `. . .`, line 5 `at name@domain.com`";
    glove_unknown_not_utf8 "glove-unknown-not-utf8.txt":
        "error: glove-unknown-not-utf8.txt:4: the word is not UTF-8: `�`",
        "the of été; word is not UTF-8: 2: line 4 `� 1 2 3`, line 5 `� 4 5 6`",
        "the of été �; word is not UTF-8: 2: line 4 `�`, line 5 `�`; word again: 1: line 5 `�`";
    glove_white_space "glove-white-space.txt":
        "error: glove-white-space.txt:1: expected 1 values, found 0",
        "error: glove-white-space.txt:1: expected 1 values, found 0",
        "error: glove-white-space.txt:1: expected 1 values, found 0";
    glove_words_only "glove-words-only.txt":
        "error: glove-words-only.txt:1: expected 1 values, found 0",
        "error: glove-words-only.txt:1: expected 1 values, found 0",
        "error: glove-words-only.txt:1: expected 1 values, found 0";
    gzip_binary_cut "gzip-binary-cut.bin.gz":
        "error: gzip-binary-cut.bin.gz ends too early: expected 12 bytes of a vector at byte 43, found 8",
        "error: gzip-binary-cut.bin.gz ends too early: expected 12 bytes of a vector at byte 43, found 8",
        "the of; wrong number of rows: 1: row 3 (byte 36) `3 promised, 2 found`; cut off: 1: row 3 (byte 36) `�été �������@`";
    gzip_cut_binary "gzip-cut-binary.bin.gz":
        "error: cannot read gzip-cut-binary.bin.gz: incomplete deflate stream",
        "error: cannot read gzip-cut-binary.bin.gz: incomplete deflate stream",
        "the of; wrong number of rows: 1: row 3 (byte 36) `3 promised, 2 found`; cut off: 1: row 3 (byte 36) `�été �������@`";
    gzip_cut_checksum "gzip-cut-checksum.vec.gz":
        "error: cannot read gzip-cut-checksum.vec.gz: unexpected end of file",
        "error: cannot read gzip-cut-checksum.vec.gz: unexpected end of file",
        "the of été; cut off: 1: line 5 ``";
    gzip_cut_in_header "gzip-cut-in-header.vec.gz":
        "error: cannot read gzip-cut-in-header.vec.gz: unexpected end of file",
        "error: cannot read gzip-cut-in-header.vec.gz: unexpected end of file",
        "error: cannot read gzip-cut-in-header.vec.gz: unexpected end of file";
    gzip_cut "gzip-cut.vec.gz":
        "error: cannot read gzip-cut.vec.gz: incomplete deflate stream",
        "error: cannot read gzip-cut.vec.gz: incomplete deflate stream",
        "the of; wrong number of rows: 1: line 1 `3 promised, 2 found`; cut off: 1: line 4 `été 0.0 4.0 0.1`";
    gzip_damaged "gzip-damaged.vec.gz":
        "error: cannot read gzip-damaged.vec.gz: corrupt deflate stream",
        "error: cannot read gzip-damaged.vec.gz: corrupt deflate stream",
        "error: cannot read gzip-damaged.vec.gz: corrupt deflate stream";
    gzip_empty "gzip-empty.vec.gz":
        "error: gzip-empty.vec.gz is empty: expected word vectors",
        "error: gzip-empty.vec.gz is empty: expected word vectors",
        "error: gzip-empty.vec.gz is empty: expected word vectors";
    gzip_few_values "gzip-few-values.vec.gz":
        "error: gzip-few-values.vec.gz:3: expected 3 values, found 2",
        "the été; wrong number of values: 1: line 3 `of 1.5 0.25`",
        "the été; wrong number of values: 1: line 3 `of 1.5 0.25`";
    gzip_finalfusion "gzip-finalfusion.fifu.gz":
        "a b; clean", "a b; clean", "a b; clean";
    gzip_rest "gzip-rest.vec.gz":
        "error: cannot read gzip-rest.vec.gz: unexpected end of file",
        "error: cannot read gzip-rest.vec.gz: unexpected end of file",
        "the of été; cut off: 1: line 5 ``";
    gzip_wrong_checksum "gzip-wrong-checksum.vec.gz":
        "error: cannot read gzip-wrong-checksum.vec.gz: corrupt gzip stream does not have a matching checksum",
        "error: cannot read gzip-wrong-checksum.vec.gz: corrupt gzip stream does not have a matching checksum",
        "error: cannot read gzip-wrong-checksum.vec.gz: corrupt gzip stream does not have a matching checksum";
    gzip_zeros "gzip-zeros.gz":
        "error: gzip-zeros.gz:1: expected 1 values, found 0",
        "error: gzip-zeros.gz:1: expected 1 values, found 0",
        "error: gzip-zeros.gz:1: expected 1 values, found 0";
    text_all_not_utf8 "text-all-not-utf8.vec":
        "error: text-all-not-utf8.vec:2: the word is not UTF-8: `�`",
        "error: text-all-not-utf8.vec: 0 vectors of 1 dimensions: expected at least one of each",
        "�; word is not UTF-8: 2: line 2 `�`, line 3 `�`; word again: 1: line 3 `�`";
    text_crlf_few_values "text-crlf-few-values.vec":
        "error: text-crlf-few-values.vec:3: expected 3 values, found 2",
        "the été; wrong number of values: 1: line 3 `of 1.5 0.25`; CR LF (a note): 4: line 1 `3 3`, line 2 `the`, line 3 `of 1.5 0.25`, line 4 `été`",
        "the été; wrong number of values: 1: line 3 `of 1.5 0.25`; CR LF (a note): 4: line 1 `3 3`, line 2 `the`, line 3 `of 1.5 0.25`, line 4 `été`";
    text_crlf "text-crlf.vec":
        "the of été; CR LF (a note): 4: line 1 `3 3`, line 2 `the`, line 3 `of`, line 4 `été`",
        "the of été; CR LF (a note): 4: line 1 `3 3`, line 2 `the`, line 3 `of`, line 4 `été`",
        "the of été; CR LF (a note): 4: line 1 `3 3`, line 2 `the`, line 3 `of`, line 4 `été`";
    text_cut_in_row "text-cut-in-row.vec":
        "error: text-cut-in-row.vec:4: expected 3 values, found 1",
        "the of; cut off: 1: line 4 `été 0.0`",
        "the of; cut off: 1: line 4 `été 0.0`";
    text_cut_in_word "text-cut-in-word.vec":
        "error: text-cut-in-word.vec:4: expected 3 values, found 0",
        "the of; cut off: 1: line 4 `ét`",
        "the of; cut off: 1: line 4 `ét`";
    text_duplicate "text-duplicate.vec":
        "the of; word again: 1: line 4 `the`",
        "the of; word again: 1: line 4 `the`",
        "the of; word again: 1: line 4 `the`";
    text_few_values "text-few-values.vec":
        "error: text-few-values.vec:3: expected 3 values, found 2",
        "the été; wrong number of values: 1: line 3 `of 1.5 0.25`",
        "the été; wrong number of values: 1: line 3 `of 1.5 0.25`";
    text_fewer_rows "text-fewer-rows.vec":
        "error: text-fewer-rows.vec: the header promises 5 vectors, found 3",
        "error: text-fewer-rows.vec: the header promises 5 vectors, found 3",
        "the of été; wrong number of rows: 1: line 1 `5 promised, 3 found`";
    text_header_only "text-header-only.vec":
        "error: text-header-only.vec: the header promises 3 vectors, found 0",
        "error: text-header-only.vec: the header promises 3 vectors, found 0",
        "error: text-header-only.vec: 0 vectors of 3 dimensions: expected at least one of each";
    text_header_overflow "text-header-overflow.vec":
        "error: text-header-overflow.vec:1: header `3 99999999999999999999`: expected the number of vectors and their dimensions, both at least 1",
        "the of été; wrong header: 1: line 1 `3 99999999999999999999`",
        "the of été; wrong header: 1: line 1 `3 99999999999999999999`";
    text_header_without_end "text-header-without-end.vec":
        "error: text-header-without-end.vec: the header promises 3 vectors, found 0",
        "error: text-header-without-end.vec: the header promises 3 vectors, found 0",
        "error: text-header-without-end.vec: 0 vectors of 3 dimensions: expected at least one of each";
    text_hexadecimal "text-hexadecimal.vec":
        "error: text-hexadecimal.vec:3: value 2 is `0x1p-2`: expected a number",
        "the été; value is no number: 1: line 3 `of 1.5 0x1p-2 -3.0`",
        "the été; value is no number: 1: line 3 `of 1.5 0x1p-2 -3.0`";
    text_infinity "text-infinity.vec":
        "error: text-infinity.vec:3: value 2 is `-inf`: expected a finite 32-bit number",
        "the été; value is not finite: 1: line 3 `of 1.5 -inf -3.0`",
        "the été; value is not finite: 1: line 3 `of 1.5 -inf -3.0`";
    text_many_columns_promised "text-many-columns-promised.vec":
        "error: text-many-columns-promised.vec:2: expected 1000000000000 values, found 3",
        "error: text-many-columns-promised.vec: 0 vectors of 1000000000000 dimensions: expected at least one of each",
        "the of été; wrong header: 1: line 1 `3 1000000000000`";
    text_many_kinds "text-many-kinds.vec":
        "error: text-many-kinds.vec:3: expected 2 values, found 1",
        "error: text-many-kinds.vec: the header promises 12 vectors, found 14",
        "a e f h; wrong number of values: 8: line 3 `b 1`, line 9 `g0 1`, line 10 `g1 1`, line 11 `g2 1`, line 12 `g3 1`, …; value is no number: 1: line 4 `c x 2`; value is not finite: 1: line 5 `d nan 2`; word with spaces: 1: line 7 `e f`; word again: 1: line 6 `a`; wrong number of rows: 1: line 1 `12 promised, 14 found`; CR LF (a note): 1: line 1 `12 2`";
    text_many_rows_promised "text-many-rows-promised.vec":
        "error: text-many-rows-promised.vec: the header promises 1000000000000 vectors, found 3",
        "error: text-many-rows-promised.vec: the header promises 1000000000000 vectors, found 3",
        "the of été; wrong number of rows: 1: line 1 `1000000000000 promised, 3 found`";
    text_many_values "text-many-values.vec":
        "error: text-many-values.vec:3: expected 3 values, found 4",
        "the été; wrong number of values: 1: line 3 `of 1.5 0.25 -3.0 x`",
        "the été; wrong number of values: 1: line 3 `of 1.5 0.25 -3.0 x`";
    text_more_rows "text-more-rows.vec":
        "error: text-more-rows.vec: the header promises 2 vectors, found 3",
        "error: text-more-rows.vec: the header promises 2 vectors, found 3",
        "the of été; wrong number of rows: 1: line 1 `2 promised, 3 found`";
    text_nan "text-nan.vec":
        "error: text-nan.vec:3: value 2 is `nan`: expected a finite 32-bit number",
        "the été; value is not finite: 1: line 3 `of 1.5 nan -3.0`",
        "the été; value is not finite: 1: line 3 `of 1.5 nan -3.0`";
    text_no_columns_header "text-no-columns-header.vec":
        "error: text-no-columns-header.vec:1: header `3 0`: expected the number of vectors and their dimensions, both at least 1",
        "the of été; wrong header: 1: line 1 `3 0`",
        "the of été; wrong header: 1: line 1 `3 0`";
    text_no_number "text-no-number.vec":
        "error: text-no-number.vec:3: value 2 is `0,25`: expected a number",
        "the été; value is no number: 1: line 3 `of 1.5 0,25 -3.0`",
        "the été; value is no number: 1: line 3 `of 1.5 0,25 -3.0`";
    text_no_rows_header "text-no-rows-header.vec":
        "error: text-no-rows-header.vec:1: header `0 3`: expected the number of vectors and their dimensions, both at least 1",
        "the of été; wrong header: 1: line 1 `0 3`",
        "the of été; wrong header: 1: line 1 `0 3`";
    text_no_values "text-no-values.vec":
        "error: text-no-values.vec:3: expected 3 values, found 0",
        "the été; wrong number of values: 1: line 3 `of`",
        "the été; wrong number of values: 1: line 3 `of`";
    text_not_utf8 "text-not-utf8.vec":
        "error: text-not-utf8.vec:4: the word is not UTF-8: `�t�`",
        "the of; word is not UTF-8: 1: line 4 `�t� 0.0 4.0 0.125`",
        "the of �t�; word is not UTF-8: 1: line 4 `�t�`";
    text_nul_bytes "text-nul-bytes.vec":
        "error: text-nul-bytes.vec:5: expected 3 values, found 0",
        "error: text-nul-bytes.vec: the header promises 3 vectors, found 4",
        "the of été; wrong number of rows: 1: line 1 `3 promised, 4 found`; cut off: 1: line 5 `����������������������������������������…`";
    text_overflow "text-overflow.vec":
        "error: text-overflow.vec:3: value 2 is `1e39`: expected a finite 32-bit number",
        "the été; value is not finite: 1: line 3 `of 1.5 1e39 -3.0`",
        "the été; value is not finite: 1: line 3 `of 1.5 1e39 -3.0`";
    text_space_and_not_utf8 "text-space-and-not-utf8.vec":
        "error: text-space-and-not-utf8.vec:3: expected 3 values, found 5",
        "the été; wrong number of values: 1: line 3 `caf� au lait 1.5 0.25 -3.0`",
        "the caf� au lait été; word is not UTF-8: 1: line 3 `caf� au lait`; word with spaces: 1: line 3 `caf� au lait`";
    text_space_in_word "text-space-in-word.vec":
        "error: text-space-in-word.vec:3: expected 3 values, found 4",
        "the été; wrong number of values: 1: line 3 `New York 1.5 0.25 -3.0`",
        "the New York été; word with spaces: 1: line 3 `New York`";
    text_wrong_columns "text-wrong-columns.vec":
        "error: text-wrong-columns.vec:2: expected 4 values, found 3",
        "error: text-wrong-columns.vec: 0 vectors of 4 dimensions: expected at least one of each",
        "the of été; wrong header: 1: line 1 `3 4`";
}

/// Memory for rows that come one by one does not grow with the file.
#[test]
fn streams_need_no_matrix() {
    const ROWS: usize = 12_000;
    const COLUMNS: usize = 300;
    const MOST: usize = 8 << 20;
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let directory = tempfile::tempdir().unwrap();
    let (mut text, mut binary) = (String::new(), format!("{ROWS} {COLUMNS}\n").into_bytes());
    for row in 0..ROWS {
        text += &format!("word{row}{}\n", " -0.123456".repeat(COLUMNS));
        binary.extend(format!("word{row} ").as_bytes());
        binary.extend((-0.123_456_f32).to_le_bytes().repeat(COLUMNS));
    }
    let names = ["x.vec", "x.bin", "x.npy", "x.safetensors", "x.fifu", "x.npy.gz", "x.parquet"];
    let path = |name: &str| directory.path().join(name);
    std::fs::write(path("x.vec"), text).unwrap();
    std::fs::write(path("x.bin"), binary).unwrap();
    let all = Embeddings::open(path("x.bin"), &OpenOptions::default()).unwrap();
    let names = if cfg!(feature = "parquet") { &names[..] } else { &names[..6] };
    for name in &names[2..] {
        if *name == "x.npy.gz" {
            let packed = std::fs::File::create(path(name)).unwrap();
            let mut packed = GzEncoder::new(packed, flate2::Compression::fast());
            packed.write_all(&std::fs::read(path("x.npy")).unwrap()).unwrap();
            packed.finish().unwrap();
        } else {
            all.write(path(name), &WriteOptions::default()).unwrap();
        }
    }
    drop(all);
    for name in names {
        rayon::broadcast(|_| ());
        let before = NOW.load(Ordering::SeqCst);
        PEAK.store(before, Ordering::SeqCst);
        let mut rows = 0;
        let report = stream(path(name), &OpenOptions::default(), |_, row| {
            rows += usize::from(row == [-0.123_456; COLUMNS]);
            std::ops::ControlFlow::Continue(())
        });
        let peak = PEAK.load(Ordering::SeqCst).saturating_sub(before);
        assert!(report.unwrap().is_clean());
        assert_eq!(rows, ROWS);
        assert!(peak < MOST && MOST < ROWS * COLUMNS * 4, "{name}: {peak} bytes");
    }
}

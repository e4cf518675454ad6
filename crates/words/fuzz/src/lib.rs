//! What is asked of every input by every fuzz target.
//!
//! No panic, no memory beyond libFuzzer's limits; what is read holds what the library promises; and
//! the file opened as a whole, row by row, and mapped is the same.

use std::fs;
use std::io::Cursor;
use std::ops::ControlFlow;
use std::panic::{catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use procrust_words::{Embeddings, Format, OpenOptions, Policy, Report, WordsError, stream_rows};
use tempfile::TempDir;

/// The most words in the lists that go with files of vectors only.
const WORDS: usize = 64;

/// Leaves panics that are caught to those who catch them: libFuzzer takes every panic for a finding,
/// also one of a foreign library that becomes an error.
pub fn quiet() {
    std::panic::set_hook(Box::new(|_| ()));
}

/// A folder in memory: the input as a file, and lists of words.
struct Files {
    folder: TempDir,
    lists: Vec<PathBuf>,
}

impl Files {
    fn get() -> &'static Self {
        static FILES: OnceLock<Files> = OnceLock::new();
        FILES.get_or_init(|| {
            let memory = Path::new("/dev/shm");
            let folder = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
            let folder = folder.expect("a folder for temporary files");
            let lists = (0..=WORDS).map(|words| {
                let path = folder.path().join(format!("{words}.list"));
                // The last one is the first again: it is left out.
                let list: String = (0..words).map(|i| format!("w{}\n", i % (WORDS - 1))).collect();
                fs::write(&path, list).expect("a list is written");
                path
            });
            Self { lists: lists.collect(), folder }
        })
    }
}

/// Reads the bytes under every policy.
pub fn check(bytes: &[u8], format: Option<Format>) {
    // The hook may be silent: what panics here says so.
    if let Err(panic) = catch_unwind(|| check_all(bytes, format)) {
        let message = panic.downcast_ref::<String>().map(String::as_str);
        eprintln!("{}", message.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic"));
        resume_unwind(panic);
    }
}

fn check_all(bytes: &[u8], format: Option<Format>) {
    let files = Files::get();
    let path = files.folder.path().join("input");
    fs::write(&path, bytes).expect("the input is written");
    for policy in [Policy::Error, Policy::Skip, Policy::Lossy] {
        let mut options = OpenOptions::default();
        options.format = format;
        options.policy = policy;
        options.words = Some(files.lists[1].clone());
        options.subwords = policy == Policy::Skip;
        options.spaces_in_words = policy == Policy::Lossy;
        let mut opened = Embeddings::open(&path, &options);
        if let Err(WordsError::WordList { rows, .. }) = &opened
            && let Some(list) = files.lists.get(*rows)
        {
            options.words = Some(list.clone());
            opened = Embeddings::open(&path, &options);
        }
        let streamed = streamed(&path, &options);
        match (&opened, &streamed) {
            (Ok(opened), Ok((rows, report))) => {
                promises(opened);
                same(opened, rows, report);
            }
            // Without words there is nothing to hand on.
            (Ok(opened), Err(_)) => assert!(opened.is_empty(), "{streamed:?}"),
            (Err(error), Ok(_)) => panic!("handed on: {error}"),
            (Err(error), Err(_)) => assert!(!error.to_string().is_empty()),
        }
        if policy == Policy::Skip {
            // Of a reader the length is not known: it may be read where the file is too short.
            let read = Embeddings::read(&path, Cursor::new(bytes.to_vec()), &options);
            match (&opened, &read) {
                (Ok(opened), Ok(read)) => {
                    assert_eq!((opened.words(), opened.report()), (read.words(), read.report()));
                }
                (Ok(_), Err(error)) => panic!("not from a reader: {error}"),
                (Err(_), _) => {}
            }
        }
        options.map = true;
        options.subwords = false;
        if let Ok(mapped) = Embeddings::open(&path, &options)
            && mapped.check().is_ok()
        {
            promises(&mapped);
        }
    }
}

type Rows = Vec<(String, Vec<u32>, Option<u32>)>;

fn streamed(path: &Path, options: &OpenOptions) -> Result<(Rows, Report), WordsError> {
    let mut rows = Vec::new();
    let report = stream_rows(path, options, |row| {
        let vector = row.vector.iter().map(|value| value.to_bits()).collect();
        rows.push((row.word.to_owned(), vector, row.norm.map(f32::to_bits)));
        ControlFlow::Continue(())
    })?;
    Ok((rows, report))
}

/// No word twice, all values finite, something there.
fn promises(opened: &Embeddings) {
    assert!(opened.dim() > 0);
    assert!(!opened.is_empty() || opened.subwords().is_some());
    assert_eq!(opened.vectors().dim(), (opened.len(), opened.dim()));
    assert!(opened.vectors().iter().all(|value| value.is_finite()));
    for (row, word) in opened.words().iter().enumerate() {
        assert_eq!(opened.position(word), Some(row));
    }
    if let Some(subwords) = opened.subwords() {
        for word in ["", "a", "été", "embedding"] {
            let vector = subwords.vector(word);
            assert!(vector.is_none_or(|vector| vector.iter().all(|value| value.is_finite())));
        }
    }
}

fn same(opened: &Embeddings, rows: &Rows, report: &Report) {
    assert_eq!(opened.report(), report);
    assert_eq!(opened.len(), rows.len());
    for (row, (word, vector, norm)) in rows.iter().enumerate() {
        assert_eq!(&opened.words()[row], word);
        let expected = opened.vectors().row(row).iter().map(|value| value.to_bits()).collect();
        assert_eq!(vector, &Vec::<u32>::from_iter::<Vec<u32>>(expected));
        assert_eq!(*norm, opened.norms().map(|norms| norms[row].to_bits()));
    }
}

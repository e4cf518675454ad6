//! Files that are written whole or not at all, and headers of `.npy` files.
//!
//! [`write_whole`] writes bytes; [`WholeFile`] is a writer for files that do not fit into memory.
//! [`npy::Header`] reads what NumPy writes before the numbers of an array.
//!
//! ```
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("answer.txt");
//! procrust_files::write_whole(&path, b"42\n")?;
//! assert_eq!(std::fs::read(&path)?, b"42\n");
//! # Ok::<(), std::io::Error>(())
//! ```

pub mod npy;
mod whole;

pub use whole::{WholeFile, check_target, write_whole};

/// An excerpt of a file for an error message: at most 40 characters, with `…` if there is more.
///
/// Bytes that are not UTF-8 are shown as `U+FFFD`.
///
/// ```
/// assert_eq!(procrust_files::excerpt(b"short"), "short");
/// assert_eq!(procrust_files::excerpt(&[b'x'; 99]), "x".repeat(40) + "…");
/// ```
#[must_use]
pub fn excerpt(bytes: &[u8]) -> String {
    const CHARS: usize = 40;
    let start = &bytes[..bytes.len().min(4 * CHARS)];
    let text = String::from_utf8_lossy(start);
    let mut excerpt: String = text.chars().take(CHARS).collect();
    if excerpt.len() < text.len() || start.len() < bytes.len() {
        excerpt.push('…');
    }
    excerpt
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

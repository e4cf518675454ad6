//! Descriptions of classes by the vectors of their names' words.

use ndarray::Array2;
use procrust_transfer::Descriptions;

use crate::shared::{data_error::TransferDataError, space::Space};

/// How alike two words must be for one to be offered for the other, out of 1.
const ALIKE: f64 = 0.7;

/// The mean of the vectors of the words of each name, one row a class. A name that has a vector itself,
/// in lower case if not as it is, is one word; others are taken apart where they are not letters or
/// digits.
pub(crate) fn describe(names: &[String], space: &Space) -> Result<Descriptions, TransferDataError> {
    let vectors = space.vectors();
    let mut rows = Array2::zeros((names.len(), vectors.ncols()));
    for (name, mut row) in names.iter().zip(rows.rows_mut()) {
        let words: Vec<usize> = match find(space, name) {
            Some(at) => vec![at],
            None => name
                .split(|c: char| !c.is_alphanumeric())
                .filter(|word| !word.is_empty())
                .map(|word| find(space, word).ok_or_else(|| unknown(name, word, space)))
                .collect::<Result<_, _>>()?,
        };
        if words.is_empty() {
            return Err(unknown(name, name, space));
        }
        #[allow(clippy::cast_precision_loss, reason = "names have few words")]
        let share = 1.0 / words.len() as f32;
        for at in words {
            row.scaled_add(share, &vectors.row(at));
        }
    }
    Ok(Descriptions::new(names.to_vec(), rows)?)
}

fn find(space: &Space, word: &str) -> Option<usize> {
    space.position(word).or_else(|| space.position(&word.to_lowercase()))
}

fn unknown(class: &str, word: &str, space: &Space) -> TransferDataError {
    let lower = word.to_lowercase();
    let alike = |other: &str| strsim::normalized_damerau_levenshtein(&lower, other);
    let nearest = space
        .words()
        .iter()
        .map(|other| (alike(other), other))
        .filter(|&(likeness, _)| likeness >= ALIKE)
        // The more frequent of equals: words go by frequency.
        .fold(None, |best: Option<(f64, &str)>, next| match best {
            Some(known) if known.0 >= next.0 => Some(known),
            _ => Some(next),
        })
        .map(|(_, word)| word.to_owned());
    TransferDataError::Word { class: class.to_owned(), word: word.to_owned(), nearest }
}

//! A small test of English word vectors, written for this project.

use std::path::Path;

use crate::readers::similarity::{parse_analogies, parse_ratings};
use crate::{Analogy, DatasetError, RatedPair};

/// 120 pairs of English words with ratings from 0 to 10, how alike their meanings are.
///
/// Written for this project by one person, to show what such a test does. It is no benchmark: take
/// one whose ratings are the means of many people's for that.
///
/// # Errors
///
/// [`DatasetError::Shipped`] only if the crate's files were damaged.
pub fn english_ratings() -> Result<Vec<RatedPair>, DatasetError> {
    const NAME: &str = "similarity/pairs.en.tsv";
    let text = include_str!("../../data/similarity/pairs.en.tsv");
    parse_ratings(Path::new(NAME), text, None).map_err(|error| damaged(NAME, &error))
}

/// 288 analogies of eight relations between English words, from capitals to comparatives.
///
/// Written for this project, in lower case, of words among [`glove_english`](crate::glove_english)'s.
///
/// # Errors
///
/// [`DatasetError::Shipped`] only if the crate's files were damaged.
pub fn english_analogies() -> Result<Vec<Analogy>, DatasetError> {
    const NAME: &str = "similarity/analogies.en.txt";
    let text = include_str!("../../data/similarity/analogies.en.txt");
    parse_analogies(Path::new(NAME), text).map_err(|error| damaged(NAME, &error))
}

fn damaged(name: &'static str, error: &DatasetError) -> DatasetError {
    DatasetError::Shipped { name, reason: error.to_string() }
}

//! Sentences rated by people.

use super::file::packed;
use super::names::SentenceDomain;
use super::sentiment::rated_lines;
use crate::DatasetError;

/// A text and what people felt in it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RatedSentence {
    /// The text, one line.
    pub text: String,
    /// The mean of at least 15 people's ratings (mostly 20), −4 (extremely negative) to 4.
    pub rating: f64,
}

/// A class of [`RatedSentence`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Sentiment {
    /// Rated −0.5 or lower.
    Negative,
    /// Rated 0.5 or higher.
    Positive,
}

impl RatedSentence {
    /// The class: positive from a rating of 0.5, negative from −0.5, none between.
    ///
    /// Half a step of the scale that people rated on is where a mean rounds away from "neutral".
    pub fn label(&self) -> Option<Sentiment> {
        match self.rating {
            rating if rating >= 0.5 => Some(Sentiment::Positive),
            rating if rating <= -0.5 => Some(Sentiment::Negative),
            _ => None,
        }
    }
}

/// The sentences of one domain, in the order of the source.
///
/// 4,200 tweets, 3,708 product, 10,605 film and 5,190 newspaper sentences; some occur twice.
/// Character references (`&amp;`) stand in the text as they were rated.
///
/// Hutto & Gilbert (2014), "VADER: a parsimonious rule-based model for sentiment analysis of
/// social media text", ICWSM.
///
/// # Errors
///
/// [`DatasetError::Shipped`] only if the crate's files were damaged.
pub fn rated_sentences(domain: SentenceDomain) -> Result<Vec<RatedSentence>, DatasetError> {
    let file = match domain {
        SentenceDomain::Tweets => packed!("tweets.tsv.gz"),
        SentenceDomain::Products => packed!("products.tsv.gz"),
        SentenceDomain::Movies => packed!("movies.tsv.gz"),
        SentenceDomain::News => packed!("news.tsv.gz"),
    };
    let text = file.text()?;
    rated_lines(file, &text, |line| line.split_once('\t'))
        .map(|line| line.map(|(rating, text)| RatedSentence { text: text.to_owned(), rating }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_begin_at_half_a_step() {
        let label = |rating| RatedSentence { text: String::new(), rating }.label();
        assert_eq!(label(0.5), Some(Sentiment::Positive));
        assert_eq!(label(0.49), None);
        assert_eq!(label(0.0), None);
        assert_eq!(label(-0.49), None);
        assert_eq!(label(-0.5), Some(Sentiment::Negative));
    }
}

//! The data sets by name, as plans call them.

use std::fmt;
use std::str::FromStr;

use crate::DatasetError;

/// An enum of data sets: constants, names, `Display` and `FromStr`.
macro_rules! named {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $type {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The name that a plan file uses.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $type {
            type Err = DatasetError;

            fn from_str(name: &str) -> Result<Self, DatasetError> {
                let found = Self::ALL.iter().find(|set| set.name() == name);
                found.copied().ok_or_else(|| unknown(name, Self::ALL.iter().map(|set| set.name())))
            }
        }
    };
}

named! {
    /// A shipped set of pictures.
    ImageSet {
        /// [`mnist`](crate::mnist).
        Mnist = "mnist",
        /// [`optdigits`](crate::optdigits).
        Optdigits = "optdigits",
        /// [`fashion_mnist`](crate::fashion_mnist).
        FashionMnist = "fashion-mnist",
    }
}

named! {
    /// A shipped set of word vectors.
    WordSet {
        /// [`glove_english`](crate::glove_english).
        GloveEnglish = "glove-en",
        /// [`fasttext_french`](crate::fasttext_french).
        FasttextFrench = "fasttext-fr",
    }
}

named! {
    /// A domain of the sentences rated by people, [`rated_sentences`](crate::rated_sentences).
    SentenceDomain {
        /// 4,200 texts in the manner of tweets.
        Tweets = "tweets",
        /// 3,708 sentences of customer reviews.
        Products = "products",
        /// 10,605 sentences of film reviews.
        Movies = "movies",
        /// 5,190 sentences of newspaper editorials.
        News = "news",
    }
}

/// Any shipped data set that a plan can name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Dataset {
    /// Pictures.
    Images(ImageSet),
    /// Word vectors.
    Words(WordSet),
    /// Rated sentences.
    Sentences(SentenceDomain),
}

impl Dataset {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let images = ImageSet::ALL.iter().copied().map(Self::Images);
        let words = WordSet::ALL.iter().copied().map(Self::Words);
        let sentences = SentenceDomain::ALL.iter().copied().map(Self::Sentences);
        images.chain(words).chain(sentences)
    }

    /// The name that a plan file uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Images(set) => set.name(),
            Self::Words(set) => set.name(),
            Self::Sentences(set) => set.name(),
        }
    }
}

impl fmt::Display for Dataset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Dataset {
    type Err = DatasetError;

    fn from_str(name: &str) -> Result<Self, DatasetError> {
        Self::all()
            .find(|set| set.name() == name)
            .ok_or_else(|| unknown(name, Self::all().map(Self::name)))
    }
}

fn unknown<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> DatasetError {
    DatasetError::UnknownDataset {
        name: name.to_owned(),
        known: known.collect::<Vec<_>>().join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back() {
        let names: Vec<_> = Dataset::all().map(Dataset::name).collect();
        let expected =
            "mnist optdigits fashion-mnist glove-en fasttext-fr tweets products movies news";
        assert_eq!(names.join(" "), expected);
        for set in Dataset::all() {
            assert_eq!(set.to_string().parse::<Dataset>().unwrap(), set);
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known() {
        let error = "mnits".parse::<ImageSet>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "no shipped data set is called `mnits`; expected one of mnist, optdigits, fashion-mnist"
        );
        let error = "Tweets".parse::<Dataset>().unwrap_err().to_string();
        assert!(error.contains("`Tweets`") && error.ends_with("tweets, products, movies, news"));
    }
}

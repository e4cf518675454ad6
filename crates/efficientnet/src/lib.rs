//! The weights of EfficientNet-Lite0, trained on ImageNet, and the names of its 1,000 classes.
//!
//! Data and nothing else: [`WEIGHTS`] is a safetensors file in half precision, compiled in, and
//! [`classes`] lists the classes in the order of the scores. `procrust-images` runs the network (feature
//! `deep`); any other program that reads safetensors can as well. `DATA.md` tells where both come from.
//!
//! ```
//! let espresso = procrust_efficientnet::classes().position(|class| class.name() == "espresso");
//! assert_eq!(espresso, Some(967));
//! ```

/// The weights as a safetensors file, 9.3 MB.
///
/// Batch normalisations are folded into the convolutions before them. For each of `stem`, `blocks.0.depthwise`,
/// `blocks.0.project`, `blocks.1.expand`, `blocks.1.depthwise`, `blocks.1.project`, … `blocks.15.project`,
/// `head` and `classifier` there are `….weight` (float16, outputs × inputs a group × height × width; the
/// classifier 1,000 × 1,280) and `….bias` (float32). Input: RGB, (x − 127) / 128 with x from 0 to 255.
pub static WEIGHTS: &[u8] = include_bytes!("../data/efficientnet-lite0.safetensors");

static CLASSES: &str = include_str!("../data/classes.tsv");

/// A class of ImageNet (ILSVRC 2012): a synset of WordNet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Class {
    /// Its identifier in WordNet 3.0, as `n02124075`.
    pub synset: &'static str,
    /// Its words, separated by a comma and a space, as `missile` or `tabby, tabby cat`.
    pub words: &'static str,
}

impl Class {
    /// The first of its words. Two pairs of classes share theirs: `crane` and `maillot`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.words.split(", ").next().expect("a split has a first part")
    }
}

/// The 1,000 classes, in the order of the scores.
pub fn classes() -> impl Iterator<Item = Class> + Clone {
    CLASSES.lines().map(|line| {
        let (synset, words) = line.split_once('\t').expect("a line has two columns");
        Class { synset, words }
    })
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousand_classes() {
        let all: Vec<Class> = classes().collect();
        assert_eq!(all.len(), 1000);
        assert!(all.windows(2).all(|pair| pair[0].synset < pair[1].synset));
        assert!(all.iter().all(|class| class.synset.len() == 9 && !class.name().is_empty()));
        let named = |at: usize| all[at].name();
        assert_eq!((named(0), named(285), named(999)), ("tench", "Egyptian cat", "toilet tissue"));
        let mut names: Vec<&str> = all.iter().map(Class::name).collect();
        names.sort_unstable();
        let twice: Vec<&str> = names.windows(2).filter(|w| w[0] == w[1]).map(|w| w[0]).collect();
        assert_eq!(twice, ["crane", "maillot"]);
    }

    /// As many bytes as the header promises, and few enough for a registry.
    #[test]
    fn whole() {
        let length = u64::from_le_bytes(WEIGHTS[..8].try_into().unwrap()) as usize;
        let header = std::str::from_utf8(&WEIGHTS[8..8 + length]).unwrap();
        let last = header.rsplit_once("\"data_offsets\":[").unwrap().1;
        let end = last.trim_end().trim_end_matches("]}}").rsplit_once(',').unwrap().1;
        assert_eq!(8 + length + end.parse::<usize>().unwrap(), WEIGHTS.len());
        assert!(WEIGHTS.len() <= 9_500_000);
    }
}

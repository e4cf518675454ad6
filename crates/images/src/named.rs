//! Descriptors as people write them.

use std::str::FromStr;

use crate::bow::{Vocabulary, VocabularySettings, WordWeights};
use crate::color::{Color, ColorSpace};
#[cfg(feature = "deep")]
use crate::deep::{EfficientNetLite0, Level};
use crate::describe::{Concat, Describe};
use crate::error::ImagesError;
#[cfg(feature = "deep")]
use crate::framing::Framing;
use crate::gist::{Gist, GistSettings};
use crate::hog::Hog;
use crate::lbp::Lbp;
use crate::opencv_hog::OpenCvHog;
use crate::pixels::Pixels;
use crate::sift::DenseSift;

/// The descriptors that [`descriptor`] knows; with the feature `deep` also `efficientnet-lite0`.
pub const DESCRIPTORS: &[&str] = &[
    "pixels",
    "hog",
    "hog-opencv",
    "lbp",
    "color",
    "gist",
    #[cfg(feature = "deep")]
    "efficientnet-lite0",
];

/// The most bytes of a written descriptor.
const MAX_LENGTH: usize = 4096;

/// A descriptor as it is written: a name of [`DESCRIPTORS`], with settings or without, or several of them
/// joined by `+`, whose rows then stand one behind the other.
///
/// With the feature `onnx`, a part that ends in `.onnx` is the path of a network, `OnnxModel`.
///
/// Settings are written as in [`Describe::name`]: `hog(size=64,cell=8)+color(space=hsv)`. Those left out have
/// defaults that suit photographs; they are the types' own but for `hog`, which has 128 pixels and cells of
/// 16. What `name` gives leads back to the same descriptor.
///
/// # Errors
///
/// [`ImagesError::Written`] with the part that is not as it must be; those of the settings.
///
/// ```
/// use procrust_images::{Describe, descriptor};
///
/// let both = descriptor("hog + color(space=hsv,bins=8x4x4)")?;
/// assert_eq!(both.dimensions()?, 1764 + 128);
/// let said = descriptor("hgo").err().unwrap().to_string();
/// assert!(said.starts_with("descriptor `hgo`: expected one of pixels, hog, hog-opencv, lbp, color, gist"));
/// # Ok::<(), procrust_images::ImagesError>(())
/// ```
pub fn descriptor(text: &str) -> Result<Box<dyn Describe>, ImagesError> {
    descriptor_with(text, |_| None)
}

/// A descriptor as it is written, with further ones: each part is first shown to `other`, which makes a
/// descriptor of it, fails, or gives `None` for a part that it does not know.
///
/// # Errors
///
/// Those of [`descriptor`] and of `other`.
pub fn descriptor_with(
    text: &str,
    mut other: impl FnMut(&str) -> Option<Result<Box<dyn Describe>, ImagesError>>,
) -> Result<Box<dyn Describe>, ImagesError> {
    if text.len() > MAX_LENGTH {
        let start = text.chars().take(40).collect::<String>();
        return Err(written(&format!("{start}…"), format!("at most {MAX_LENGTH} bytes")));
    }
    let mut parts = Vec::new();
    for part in split(text, '+') {
        let part = part.trim();
        let made = match other(part) {
            Some(made) => made?,
            None => built_in(part)?,
        };
        made.dimensions()?;
        parts.push(made);
    }
    Ok(match parts.len() {
        1 => parts.swap_remove(0),
        _ => Box::new(Concat::new(parts)),
    })
}

/// A [bag of words](crate::BagOfWords) as it is written: `bow`, with settings or without.
///
/// Those of the vocabulary hold when it is learned; one that was learned already must
/// [agree](Self::check) with those that are written.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct WrittenBag {
    /// How words are weighed: `weights`, `l1`, `l2` or `tf-idf`.
    pub weights: WordWeights,
    /// `words`, `samples`, `rounds`, `seed`, and `size`, `step`, `cells` of the descriptors.
    pub settings: VocabularySettings,
    part: String,
    /// Which of `words`, `size`, `step` and `cells` are written.
    given: [bool; 4],
}

impl WrittenBag {
    /// Reads `bow` or `bow(weights=tf-idf,words=500)`; `None` if this is another descriptor.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Written`] with what was expected.
    #[must_use]
    pub fn parse(part: &str) -> Option<Result<Self, ImagesError>> {
        let name = part.split('(').next().unwrap_or(part).trim();
        (name == "bow").then(|| Self::parse_settings(part))
    }

    fn parse_settings(part: &str) -> Result<Self, ImagesError> {
        let (_, mut s) = Settings::parse(part)?;
        let given = ["words", "size", "step", "cells"].map(|key| s.has(key));
        let weights = match s.text("weights") {
            None => WordWeights::default(),
            Some(found) => {
                let known = WordWeights::NAMED.iter().find(|(name, _)| *name == found);
                known
                    .ok_or_else(|| {
                        written(part, format!("`weights` l1, l2 or tf-idf, found `{found}`"))
                    })?
                    .1
            }
        };
        let default = VocabularySettings::default();
        let settings = VocabularySettings {
            sift: DenseSift {
                size: s.count("size", default.sift.size)?,
                step: s.count("step", default.sift.step)?,
                cells: s.counts("cells")?.unwrap_or(default.sift.cells),
            },
            words: s.count("words", default.words)?,
            samples: s.count("samples", default.samples)?,
            rounds: s.count("rounds", default.rounds)?,
            seed: s.take("seed", "a whole number", default.seed)?,
        };
        s.finish()?;
        Ok(Self { weights, settings, part: part.to_owned(), given })
    }

    /// Whether a vocabulary has the words and descriptors that are written.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Written`] with what the vocabulary has.
    pub fn check(&self, vocabulary: &Vocabulary) -> Result<(), ImagesError> {
        let (wanted, found) = (&self.settings.sift, vocabulary.sift());
        let words = vocabulary.words().nrows();
        let other = [
            words != self.settings.words,
            found.size != wanted.size,
            found.step != wanted.step,
            found.cells != wanted.cells,
        ];
        if self.given.iter().zip(other).any(|(given, other)| *given && other) {
            let found = format!("settings of the vocabulary, words={words},{}", found.name());
            return Err(written(&self.part, found));
        }
        Ok(())
    }
}

fn written(part: &str, expected: impl Into<String>) -> ImagesError {
    ImagesError::Written { part: part.to_owned(), expected: expected.into() }
}

/// Cuts where the separator stands outside parentheses.
fn split(text: &str, separator: char) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_i32);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            c if c == separator && depth <= 0 => {
                parts.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// The settings of a part: each is taken once, what is left is an error.
struct Settings<'a> {
    part: &'a str,
    left: Vec<(&'a str, &'a str)>,
    known: Vec<&'static str>,
}

impl<'a> Settings<'a> {
    /// Name and settings of `name` or `name(key=value,…)`.
    fn parse(part: &'a str) -> Result<(&'a str, Self), ImagesError> {
        let (name, inside) = match part.split_once('(') {
            None => (part, None),
            Some((name, rest)) => {
                let inside = rest
                    .strip_suffix(')')
                    .ok_or_else(|| written(part, "a closing parenthesis at the end"))?;
                (name, Some(inside))
            }
        };
        let mut left: Vec<(&str, &str)> = Vec::new();
        for pair in inside.filter(|inside| !inside.trim().is_empty()).unwrap_or("").split(',') {
            if inside.is_none_or(|inside| inside.trim().is_empty()) {
                break;
            }
            let (key, value) =
                pair.split_once('=').ok_or_else(|| written(part, "settings as `key=value`"))?;
            let (key, value) = (key.trim(), value.trim());
            if left.iter().any(|(known, _)| *known == key) {
                return Err(written(part, format!("`{key}` once")));
            }
            left.push((key, value));
        }
        Ok((name.trim(), Self { part, left, known: Vec::new() }))
    }

    fn has(&self, key: &str) -> bool {
        self.left.iter().any(|(known, _)| *known == key)
    }

    fn text(&mut self, key: &'static str) -> Option<&'a str> {
        self.known.push(key);
        let at = self.left.iter().position(|(known, _)| *known == key)?;
        Some(self.left.swap_remove(at).1)
    }

    fn take<T: FromStr>(
        &mut self,
        key: &'static str,
        what: &str,
        default: T,
    ) -> Result<T, ImagesError> {
        let Some(value) = self.text(key) else { return Ok(default) };
        let bad = |_| written(self.part, format!("{what} for `{key}`, found `{value}`"));
        value.parse().map_err(bad)
    }

    fn count(&mut self, key: &'static str, default: usize) -> Result<usize, ImagesError> {
        self.take(key, "a whole number", default)
    }

    /// Whole numbers as `8x4x4`.
    fn counts(&mut self, key: &'static str) -> Result<Option<Vec<usize>>, ImagesError> {
        let Some(value) = self.text(key) else { return Ok(None) };
        let bad = |_| {
            written(self.part, format!("whole numbers as `8x4x4` for `{key}`, found `{value}`"))
        };
        value.split('x').map(str::parse).collect::<Result<_, _>>().map(Some).map_err(bad)
    }

    fn finish(self) -> Result<(), ImagesError> {
        match self.left.first() {
            None => Ok(()),
            Some((key, _)) => {
                let known = self.known.join(", ");
                Err(written(self.part, format!("settings among {known}; found `{key}`")))
            }
        }
    }
}

fn expected_names() -> String {
    let onnx = if cfg!(feature = "onnx") { ", or a network's file that ends in .onnx" } else { "" };
    format!("one of {}{onnx}", DESCRIPTORS.join(", "))
}

fn built_in(part: &str) -> Result<Box<dyn Describe>, ImagesError> {
    #[cfg(feature = "onnx")]
    if part.ends_with(".onnx") {
        return Ok(Box::new(crate::onnx::OnnxModel::open(part)?));
    }
    let (name, mut settings) = Settings::parse(part)?;
    let s = &mut settings;
    let made: Box<dyn Describe> = match name {
        "pixels" => Box::new(Pixels { size: s.count("size", Pixels::default().size)? }),
        "hog" => {
            let default = Hog { size: 128, cell: 16, ..Hog::default() };
            Box::new(Hog {
                size: s.count("size", default.size)?,
                cell: s.count("cell", default.cell)?,
                block: s.count("block", default.block)?,
                orientations: s.count("orientations", default.orientations)?,
                clip: s.take("clip", "a number", default.clip)?,
            })
        }
        "hog-opencv" => {
            let default = OpenCvHog::default();
            Box::new(OpenCvHog {
                width: s.count("width", default.width)?,
                height: s.count("height", default.height)?,
                cell: s.count("cell", default.cell)?,
                block: s.count("block", default.block)?,
                orientations: s.count("orientations", default.orientations)?,
                clip: s.take("clip", "a number", default.clip)?,
                gamma: s.take("gamma", "true or false", default.gamma)?,
                signed: s.take("signed", "true or false", default.signed)?,
            })
        }
        "lbp" => {
            let default = Lbp::default();
            Box::new(Lbp {
                points: s.count("points", default.points)?,
                radius: s.take("radius", "a number", default.radius)?,
                grid: s.count("grid", default.grid)?,
                size: s.count("size", default.size)?,
            })
        }
        "color" => {
            let default = Color::default();
            let space = match s.text("space") {
                None => default.space,
                Some("rgb") => ColorSpace::Rgb,
                Some("hsv") => ColorSpace::Hsv,
                Some(found) => {
                    return Err(written(part, format!("`space` rgb or hsv, found `{found}`")));
                }
            };
            let bins = match s.counts("bins")? {
                None => default.bins,
                Some(bins) => bins
                    .try_into()
                    .map_err(|_| written(part, "three numbers for `bins`, as 8x4x4"))?,
            };
            Box::new(Color { space, bins })
        }
        "gist" => {
            let default = GistSettings::default();
            let made = GistSettings {
                size: s.count("size", default.size)?,
                orientations: s.counts("orientations")?.unwrap_or(default.orientations),
                grid: s.count("grid", default.grid)?,
            };
            settings.finish()?;
            return Ok(Box::new(Gist::new(made)?));
        }
        #[cfg(feature = "deep")]
        "efficientnet-lite0" => {
            let default = EfficientNetLite0::default();
            let framing = match s.text("framing") {
                None => default.framing,
                Some(found) => {
                    let known = Framing::NAMED.iter().find(|(name, _)| *name == found);
                    let expected = || format!("`framing` centre or whole, found `{found}`");
                    known.ok_or_else(|| written(part, expected()))?.1
                }
            };
            let level = match s.text("level") {
                None => default.level,
                Some(found) => Level::named(found).ok_or_else(|| {
                    let expected = "`level` stride2, stride4, stride8, stride16, stride32 or head";
                    written(part, format!("{expected}, found `{found}`"))
                })?,
            };
            let (size, grid) = (s.count("size", default.size)?, s.count("grid", default.grid)?);
            Box::new(EfficientNetLite0 { framing, size, level, grid })
        }
        _ => return Err(written(part, expected_names())),
    };
    settings.finish()?;
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        descriptor(text).err().map_or_else(|| panic!("{text}"), |error| error.to_string())
    }

    /// What a descriptor is called leads back to it, whatever its settings.
    #[test]
    fn names_lead_back() {
        for text in [
            "pixels",
            "pixels(size=5)",
            "hog",
            "hog()",
            "hog( size=24, cell = 6,block=3,orientations=5,clip=0.3)",
            "hog-opencv(width=32,height=48,gamma=false,signed=true)",
            "lbp(points=16,radius=2.5,grid=3,size=64)",
            "color(space=hsv,bins=4x3x2)",
            "gist(size=32,orientations=8x4x2,grid=2)",
            "pixels(size=2)+lbp+color",
        ] {
            let first = descriptor(text).unwrap();
            let again = descriptor(&first.name()).unwrap();
            assert_eq!(first.name(), again.name());
            assert_eq!(first.dimensions().unwrap(), again.dimensions().unwrap());
        }
        assert_eq!(
            descriptor("hog").unwrap().name(),
            "hog(size=128,cell=16,block=2,orientations=9,clip=0.2)"
        );
    }

    #[cfg(feature = "deep")]
    #[test]
    fn networks_are_named() {
        let name = |text| descriptor(text).unwrap().name();
        assert_eq!(
            name("efficientnet-lite0"),
            "efficientnet-lite0(framing=centre,size=224,level=head,grid=1)"
        );
        let small = "efficientnet-lite0(framing=whole,size=96,level=stride16,grid=2)";
        assert_eq!(name(small), small);
        assert_eq!(error("efficientnet-lite0(size=31)"), "`size` is 31: expected 32 to 4096");
        assert_eq!(
            error("efficientnet-lite0(framing=left)"),
            "descriptor `efficientnet-lite0(framing=left)`: expected `framing` centre or whole, found `left`"
        );
        assert!(error("efficientnet-lite0(level=7)").contains("stride32 or head, found `7`"));
    }

    #[test]
    fn what_is_not_a_descriptor() {
        let known = expected_names();
        assert!(known.starts_with("one of pixels, hog, hog-opencv, lbp, color, gist"), "{known}");
        assert_eq!(error("sift"), format!("descriptor `sift`: expected {known}"));
        assert_eq!(error(""), format!("descriptor ``: expected {known}"));
        assert_eq!(error("hog+"), format!("descriptor ``: expected {known}"));
        assert_eq!(
            error("hog(size=9"),
            "descriptor `hog(size=9`: expected a closing parenthesis at the end"
        );
        assert_eq!(error("hog(9)"), "descriptor `hog(9)`: expected settings as `key=value`");
        assert_eq!(
            error("lbp(points=8,points=9)"),
            "descriptor `lbp(points=8,points=9)`: expected `points` once"
        );
        assert_eq!(
            error("hog(size=-1)"),
            "descriptor `hog(size=-1)`: expected a whole number for `size`, found `-1`"
        );
        assert_eq!(
            error("pixels(sise=9)"),
            "descriptor `pixels(sise=9)`: expected settings among size; found `sise`"
        );
        assert_eq!(
            error("color(bins=8x8)"),
            "descriptor `color(bins=8x8)`: expected three numbers for `bins`, as 8x4x4"
        );
        assert_eq!(error("pixels(size=5000)"), "`size` is 5000: expected 1 to 4096");
        assert!(error(&"+".repeat(5000)).ends_with("expected at most 4096 bytes"));
    }

    #[test]
    fn bags_are_read() {
        assert!(WrittenBag::parse("bowl").is_none());
        let plain = WrittenBag::parse("bow").unwrap().unwrap();
        assert_eq!(plain.settings, VocabularySettings::default());
        let text =
            "bow(weights=tf-idf,words=50,size=64,step=4,cells=3x5,seed=9,samples=77,rounds=2)";
        let bag = WrittenBag::parse(text).unwrap().unwrap();
        assert_eq!(bag.weights, WordWeights::TfIdf);
        let sift = DenseSift { size: 64, step: 4, cells: vec![3, 5] };
        let expected = VocabularySettings { sift, words: 50, samples: 77, rounds: 2, seed: 9 };
        assert_eq!(bag.settings, expected);
        let error = |text| WrittenBag::parse(text).unwrap().unwrap_err().to_string();
        assert!(
            error("bow(weights=l3)").ends_with("expected `weights` l1, l2 or tf-idf, found `l3`")
        );
        assert!(error("bow(wrds=9)").contains("found `wrds`"));
        assert!(error("bow(words=9").contains("a closing parenthesis"));
    }

    #[test]
    fn others_come_first() {
        let mine = |part: &str| -> Option<Result<Box<dyn Describe>, ImagesError>> {
            part.strip_prefix("side=")
                .map(|size| Ok(Box::new(Pixels { size: size.len() }) as Box<dyn Describe>))
        };
        let both = descriptor_with("side=abc+hog(size=16,cell=8)", mine).unwrap();
        assert_eq!(
            both.name(),
            "pixels(size=3)+hog(size=16,cell=8,block=2,orientations=9,clip=0.2)"
        );
    }
}

//! Bags of visual words.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use ndarray::{Array2, Axis, concatenate};
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};
use sha2::{Digest, Sha256};

use crate::decode::Decoding;
use crate::describe::Describe;
use crate::error::{ImagesError, in_range};
use crate::items::Items;
use crate::kmeans;
use crate::picture::Picture;
use crate::sift::DenseSift;

/// How a [`Vocabulary`] is learned.
#[derive(Debug, Clone, PartialEq)]
pub struct VocabularySettings {
    /// What is looked at in each picture.
    pub sift: DenseSift,
    /// Visual words, 2 to 65,536. Default: 256.
    pub words: usize,
    /// Descriptors that k-means goes over at most, drawn from all pictures evenly, 2 to 4,194,304. Each takes
    /// 512 bytes. Default: 50,000.
    pub samples: usize,
    /// Rounds of k-means at most. Default: 30.
    pub rounds: usize,
    /// For what is drawn. Default: 0.
    pub seed: u64,
}

impl Default for VocabularySettings {
    fn default() -> Self {
        Self { sift: DenseSift::default(), words: 256, samples: 50_000, rounds: 30, seed: 0 }
    }
}

/// Visual words: the centres of the [dense SIFT](DenseSift) descriptors of many pictures, by k-means, and in how
/// many of these pictures each occurs.
#[derive(Debug, Clone, PartialEq)]
pub struct Vocabulary {
    sift: DenseSift,
    /// Words × 128.
    words: Array2<f32>,
    /// Inverse document frequencies, one a word.
    idf: Vec<f32>,
}

/// The greatest number of words.
const MAX_WORDS: usize = 1 << 16;
/// The greatest number of samples.
const MAX_SAMPLES: usize = 1 << 22;
/// What a file says that it is.
const KIND: &str = "procrust-visual-words-1";
/// The most bytes of a file: 65,536 words and more than any header takes.
const MAX_FILE: u64 = (MAX_WORDS * (DenseSift::DIMENSIONS + 1) * 4 + (1 << 16)) as u64;

impl Vocabulary {
    /// Learns words from pictures, on all of rayon's threads; those that cannot be decoded are passed over.
    ///
    /// Every picture gives the same number of descriptors, drawn by the seed; when there are more pictures
    /// than samples, that many pictures are drawn that give one each. k-means, begun by k-means++, makes words
    /// of them. In a second pass the inverse document frequencies are counted over the same pictures: a word
    /// that is in `m` of `n` has `ln((1 + n) / (1 + m)) + 1`. The same bits for any number of threads; fewer
    /// words where there are fewer different descriptors.
    ///
    /// `watch` hears of every picture of each pass, from any thread, and may end the work.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Setting`]; [`ImagesError::NoRows`] when no picture can be used;
    /// [`ImagesError::Interrupted`] when `watch` said so; those of a picture that could be read at first
    /// and then no more.
    pub fn learn(
        items: &Items,
        settings: &VocabularySettings,
        watch: impl Fn() -> ControlFlow<()> + Sync,
    ) -> Result<Self, ImagesError> {
        let VocabularySettings { sift, words, samples, rounds, seed } = settings;
        sift.check()?;
        in_range("words", *words, 2, MAX_WORDS)?;
        in_range("samples", *samples, 2, MAX_SAMPLES)?;
        in_range("rounds", *rounds, 1, 100_000)?;
        let mut rng = ChaCha8Rng::seed_from_u64(*seed);
        let count = items.items.len();
        let mut drawn: Vec<usize> = (0..count).collect();
        if count > *samples {
            drawn = index::sample(&mut rng, count, *samples).into_vec();
            drawn.sort_unstable();
        }
        let each = samples / drawn.len().max(1);
        let decoding = Decoding::default();
        let sample = |at: usize| {
            let rows = sift.describe(&items.items[at].picture(&decoding)?)?;
            if rows.nrows() <= each {
                return Ok(rows);
            }
            let mut rng = ChaCha8Rng::seed_from_u64(*seed);
            rng.set_stream(at as u64 + 1);
            let mut some = index::sample(&mut rng, rows.nrows(), each).into_vec();
            some.sort_unstable();
            Ok(rows.select(Axis(0), &some))
        };
        let go_on = || match watch() {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ImagesError::Interrupted),
        };
        // The outer error ends the work, the inner one is the picture's own.
        let found: Result<Vec<Result<Array2<f32>, ImagesError>>, ImagesError> = drawn
            .par_iter()
            .with_max_len(1)
            .map(|&at| {
                let rows = sample(at);
                go_on().map(|()| rows)
            })
            .collect();
        let mut first = None;
        let (mut parts, mut used) = (Vec::new(), Vec::new());
        for (&at, rows) in drawn.iter().zip(found?) {
            match rows {
                Ok(rows) => {
                    parts.push(rows);
                    used.push(at);
                }
                Err(error) if first.is_none() => {
                    first = Some(format!("{}: {error}", items.items[at].name));
                }
                Err(_) => {}
            }
        }
        if parts.is_empty() {
            return Err(ImagesError::NoRows { skipped: drawn.len(), first });
        }
        let views: Vec<_> = parts.iter().map(Array2::view).collect();
        let rows = concatenate(Axis(0), &views).expect("all have the columns of a descriptor");
        drop(parts);
        let words = kmeans::centres(rows.view(), *words, *rounds, *seed);
        drop(rows);

        let mut vocabulary = Self { sift: sift.clone(), idf: vec![1.0; words.nrows()], words };
        // Whole numbers: their sums do not depend on the order.
        let none = || vec![0_u32; vocabulary.words.nrows()];
        let in_pictures = used
            .par_iter()
            .with_max_len(1)
            .map(|&at| -> Result<Vec<u32>, ImagesError> {
                let counts = vocabulary.counts(&items.items[at].picture(&decoding)?)?;
                go_on()?;
                Ok(counts.iter().map(|&count| u32::from(count > 0)).collect())
            })
            .try_reduce(none, |mut sums, more| {
                sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
                Ok(sums)
            })?;
        let all = 1.0 + used.len() as f64;
        vocabulary.idf = in_pictures
            .iter()
            .map(|&count| ((all / (1.0 + f64::from(count))).ln() + 1.0) as f32)
            .collect();
        Ok(vocabulary)
    }

    /// The words, one a row of 128 values.
    #[must_use]
    pub fn words(&self) -> &Array2<f32> {
        &self.words
    }

    /// What is looked at in each picture.
    #[must_use]
    pub fn sift(&self) -> &DenseSift {
        &self.sift
    }

    /// How often each word occurs in a picture: its descriptors, each given to the nearest word, the first of
    /// equals.
    ///
    /// # Errors
    ///
    /// None but those of settings, which were checked.
    pub fn counts(&self, picture: &Picture) -> Result<Vec<u32>, ImagesError> {
        let rows = self.sift.describe(picture)?;
        let mut counts = vec![0; self.words.nrows()];
        // Some rows at a time: with many words, the products are the larger part.
        for block in rows.axis_chunks_iter(Axis(0), 256) {
            for (at, _) in kmeans::assign(block, &self.words) {
                counts[at as usize] += 1;
            }
        }
        Ok(counts)
    }

    /// The vocabulary as a file of the safetensors format: `words` (words × 128) and `idf` (words), float32, and
    /// settings as metadata.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let bytes = |values: &mut dyn Iterator<Item = &f32>| -> Vec<u8> {
            values.flat_map(|value| value.to_le_bytes()).collect()
        };
        let (words, idf) = (bytes(&mut self.words.iter()), bytes(&mut self.idf.iter()));
        let (count, dim) = self.words.dim();
        let view = |shape: Vec<usize>, data| {
            TensorView::new(Dtype::F32, shape, data).expect("there are four bytes a value")
        };
        let tensors = [("words", view(vec![count, dim], &words)), ("idf", view(vec![count], &idf))];
        let metadata = HashMap::from([
            ("kind".to_owned(), KIND.to_owned()),
            ("sift".to_owned(), self.sift.name()),
        ]);
        safetensors::serialize(tensors, Some(metadata)).expect("names and shapes are right")
    }

    /// The vocabulary of a file, as [`to_bytes`](Self::to_bytes) makes it.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Vocabulary`] with what was expected; nothing in the file is believed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ImagesError> {
        let wrong = |expected: &str| ImagesError::Vocabulary { expected: expected.to_owned() };
        let (_, header) = SafeTensors::read_metadata(bytes)
            .map_err(|_| wrong("a file of visual words in the safetensors format"))?;
        let metadata = header.metadata().clone().unwrap_or_default();
        if metadata.get("kind").map(String::as_str) != Some(KIND) {
            return Err(wrong(&format!("metadata with the kind `{KIND}`")));
        }
        let sift = metadata.get("sift").and_then(|text| parse_sift(text));
        let sift = sift.ok_or_else(|| wrong("metadata `sift` as `size=128,step=8,cells=4x8`"))?;
        let tensors =
            SafeTensors::deserialize(bytes).map_err(|_| wrong("all bytes of its tensors"))?;
        let read = |name: &str| -> Result<(Vec<usize>, Vec<f32>), ImagesError> {
            let tensor = tensors
                .tensor(name)
                .ok()
                .filter(|tensor| tensor.dtype() == Dtype::F32)
                .ok_or_else(|| wrong(&format!("a tensor `{name}` of float32")))?;
            let chunks = tensor.data().as_chunks::<4>().0;
            let values: Vec<f32> = chunks.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
            // Distances must be finite too.
            if values.iter().any(|value| value.is_nan() || value.abs() > 1e6) {
                return Err(wrong(&format!("values of `{name}` within ±1,000,000")));
            }
            Ok((tensor.shape().to_vec(), values))
        };
        let ((shape, words), (idf_shape, idf)) = (read("words")?, read("idf")?);
        let count = idf.len();
        if shape != [count, DenseSift::DIMENSIONS]
            || idf_shape != [count]
            || !(1..=MAX_WORDS).contains(&count)
        {
            return Err(wrong("1 to 65536 words × 128 and as many frequencies"));
        }
        let words = Array2::from_shape_vec((count, DenseSift::DIMENSIONS), words)
            .expect("the shape was compared");
        Ok(Self { sift, words, idf })
    }

    /// Writes the vocabulary into a file, which appears whole or not at all.
    ///
    /// # Errors
    ///
    /// [`ImagesError::Write`].
    pub fn save(&self, path: &Path) -> Result<(), ImagesError> {
        let mut part = path.as_os_str().to_owned();
        part.push(".part");
        std::fs::write(&part, self.to_bytes())
            .and_then(|()| std::fs::rename(&part, path))
            .map_err(|cause| ImagesError::Write { path: path.to_owned(), cause })
    }

    /// Reads the vocabulary of a file.
    ///
    /// # Errors
    ///
    /// Those of reading a file; [`ImagesError::Vocabulary`].
    pub fn load(path: &Path) -> Result<Self, ImagesError> {
        let decoding = Decoding { max_bytes: MAX_FILE, ..Decoding::default() };
        Self::from_bytes(&decoding.read(path)?)
    }
}

/// Undoes [`DenseSift::name`].
fn parse_sift(text: &str) -> Option<DenseSift> {
    let mut parts = text.split(',');
    let mut value = |key: &str| parts.next()?.strip_prefix(key)?.strip_prefix('=');
    let size = value("size")?.parse().ok()?;
    let step = value("step")?.parse().ok()?;
    let cells = value("cells")?.split('x').map(str::parse).collect::<Result<_, _>>().ok()?;
    let sift = DenseSift { size, step, cells };
    (parts.next().is_none() && sift.check().is_ok()).then_some(sift)
}

/// How counts of words become values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum WordWeights {
    /// Shares: they add up to 1.
    L1,
    /// Counts divided by their length.
    #[default]
    L2,
    /// Counts times inverse document frequencies, divided by their length.
    TfIdf,
}

impl WordWeights {
    /// All of them, by name.
    pub const NAMED: [(&'static str, Self); 3] =
        [("l1", Self::L1), ("l2", Self::L2), ("tf-idf", Self::TfIdf)];

    fn name(self) -> &'static str {
        match self {
            Self::L1 => "l1",
            Self::L2 => "l2",
            Self::TfIdf => "tf-idf",
        }
    }
}

/// A bag of visual words: how often each word of a [`Vocabulary`] occurs in a picture, whatever is where.
///
/// Csurka, Dance, Fan, Willamowski and Bray (2004), "Visual categorization with bags of keypoints", ECCV
/// workshop on statistical learning in computer vision; Sivic and Zisserman (2003), "Video Google", ICCV,
/// doi:10.1109/ICCV.2003.1238663, for tf-idf.
#[derive(Debug, Clone)]
pub struct BagOfWords {
    vocabulary: Arc<Vocabulary>,
    weights: WordWeights,
    name: String,
}

impl BagOfWords {
    /// With these words, weighed so.
    #[must_use]
    pub fn new(vocabulary: Arc<Vocabulary>, weights: WordWeights) -> Self {
        let digest = Sha256::digest(vocabulary.to_bytes());
        let digest: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let (sift, weights_name) = (vocabulary.sift.name(), weights.name());
        let words = vocabulary.words.nrows();
        let name = format!("bow(weights={weights_name},words={words},{sift},vocabulary={digest})");
        Self { vocabulary, weights, name }
    }
}

impl Describe for BagOfWords {
    fn name(&self) -> String {
        self.name.clone()
    }

    /// A value a word.
    fn dimensions(&self) -> Result<usize, ImagesError> {
        Ok(self.vocabulary.words.nrows())
    }

    fn describe(&self, picture: &Picture, row: &mut [f32]) -> Result<(), ImagesError> {
        assert_eq!(row.len(), self.dimensions()?, "a row has a value a word");
        let counts = self.vocabulary.counts(picture)?;
        let weighed: Vec<f64> = match self.weights {
            WordWeights::TfIdf => counts
                .iter()
                .zip(&self.vocabulary.idf)
                .map(|(&count, &idf)| f64::from(count) * f64::from(idf))
                .collect(),
            _ => counts.iter().map(|&count| f64::from(count)).collect(),
        };
        let length = match self.weights {
            WordWeights::L1 => weighed.iter().sum::<f64>(),
            _ => weighed.iter().map(|value| value * value).sum::<f64>().sqrt(),
        };
        // Only a file can say that a word counts nothing.
        let length = if length > 0.0 { length } else { 1.0 };
        for (value, weighed) in row.iter_mut().zip(weighed) {
            *value = (weighed / length) as f32;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    fn pictures() -> Items {
        let stack = Array3::from_shape_fn((30, 32, 32), |(n, i, j)| {
            let stripes = if n % 2 == 0 { i } else { j };
            (128.0 + 100.0 * (stripes as f64 * (0.3 + n as f64 / 40.0)).sin()) as u8
        });
        Items::of_stack(stack, None).unwrap()
    }

    fn settings() -> VocabularySettings {
        let sift = DenseSift { size: 32, step: 8, cells: vec![2, 4] };
        VocabularySettings { sift, words: 10, samples: 600, ..VocabularySettings::default() }
    }

    fn learn(items: &Items, settings: &VocabularySettings) -> Result<Vocabulary, ImagesError> {
        Vocabulary::learn(items, settings, || ControlFlow::Continue(()))
    }

    #[test]
    fn words_are_the_same_for_any_number_of_threads() {
        let with = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| learn(&pictures(), &settings()).unwrap())
        };
        let one = with(1);
        assert_eq!(one.words().dim(), (10, 128));
        assert_eq!(one, with(3));
        let other = VocabularySettings { seed: 1, ..settings() };
        assert_ne!(one, learn(&pictures(), &other).unwrap());
    }

    #[test]
    fn files_come_back() {
        let vocabulary = learn(&pictures(), &settings()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words.safetensors");
        vocabulary.save(&path).unwrap();
        assert_eq!(Vocabulary::load(&path).unwrap(), vocabulary);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);

        let bytes = vocabulary.to_bytes();
        for length in (0..bytes.len()).step_by(97) {
            let error = Vocabulary::from_bytes(&bytes[..length]).unwrap_err().to_string();
            assert!(error.starts_with("expected "), "{length}: {error}");
        }
        let text = String::from_utf8_lossy(&bytes[..500]).into_owned();
        assert!(text.contains("size=32,step=8,cells=2x4"), "{text}");
        let mut nan = bytes.clone();
        let end = nan.len();
        nan[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        let error = Vocabulary::from_bytes(&nan).unwrap_err().to_string();
        assert!(error.contains("within ±1,000,000"), "{error}");
        for (from, to) in [("step=8", "step=0"), ("words-1", "words-2"), ("F32", "I32")] {
            let at = bytes.windows(from.len()).position(|part| part == from.as_bytes()).unwrap();
            let mut other = bytes.clone();
            other[at..at + to.len()].copy_from_slice(to.as_bytes());
            assert!(Vocabulary::from_bytes(&other).is_err(), "{to}");
        }
    }

    /// By hand, from the counts.
    #[test]
    fn weights() {
        let items = pictures();
        let vocabulary = Arc::new(learn(&items, &settings()).unwrap());
        let pictures: Vec<Picture> =
            items.items.iter().map(|item| item.picture(&Decoding::default()).unwrap()).collect();
        let counts: Vec<Vec<u32>> =
            pictures.iter().map(|picture| vocabulary.counts(picture).unwrap()).collect();
        let row = |weights| {
            let bag = BagOfWords::new(Arc::clone(&vocabulary), weights);
            let mut row = vec![0.0; 10];
            bag.describe(&pictures[3], &mut row).unwrap();
            row
        };
        let own: Vec<f64> = counts[3].iter().map(|&count| f64::from(count)).collect();
        assert_eq!(own.iter().sum::<f64>(), 32.0, "two scales of 4 × 4 points");
        let idf = |word: usize| {
            let inside = counts.iter().filter(|counts| counts[word] > 0).count();
            (31.0 / (1.0 + inside as f64)).ln() + 1.0
        };
        let length = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>().sqrt();
        let weighed: Vec<f64> = own.iter().enumerate().map(|(at, v)| v * idf(at)).collect();
        for (at, &count) in own.iter().enumerate() {
            assert!((f64::from(row(WordWeights::L1)[at]) - count / 32.0).abs() < 1e-6);
            assert!((f64::from(row(WordWeights::L2)[at]) - count / length(&own)).abs() < 1e-6);
            let expected = weighed[at] / length(&weighed);
            assert!((f64::from(row(WordWeights::TfIdf)[at]) - expected).abs() < 1e-6);
        }
        assert!(weighed != own, "some word is not everywhere");
    }

    #[test]
    fn nothing_to_learn_from() {
        let error = learn(&Items::default(), &settings()).unwrap_err();
        assert!(matches!(error, ImagesError::NoRows { skipped: 0, .. }), "{error}");
        let ended = Vocabulary::learn(&pictures(), &settings(), || ControlFlow::Break(()));
        assert!(matches!(ended, Err(ImagesError::Interrupted)));
        let one = VocabularySettings { words: 1, ..settings() };
        assert!(learn(&pictures(), &one).unwrap_err().to_string().contains("`words`"));
    }
}

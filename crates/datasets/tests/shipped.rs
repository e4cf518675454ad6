//! The shipped data is what DATA.md says it is.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};

use ndarray::{ArrayView1, Axis, s};
use procrust_datasets::{
    Dataset, FASHION_CLASSES, ImageSet, Images, Lexicon, RatedSentence, SentenceDomain, Sentiment,
    TableOptions, WordSet, WordVectors, afinn_french, english_analogies, english_french,
    english_ratings, fashion_mnist, fasttext_french, french_english, glove_english, mnist,
    optdigits, rated_sentences, read_table, vader_english,
};
use sha2::{Digest, Sha256};

/// Every file under `directory`.
fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

/// The rows `| `file` | bytes | sha256 |` of DATA.md's table.
fn listed() -> BTreeMap<String, (u64, String)> {
    let row = |line: &str| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, file, bytes, sha256, _] = cells[..] else { return None };
        (sha256.len() == 66).then(|| {
            (
                file.replace('`', ""),
                (bytes.replace(',', "").parse().unwrap(), sha256.replace('`', "")),
            )
        })
    };
    include_str!("../DATA.md").lines().filter_map(row).collect()
}

#[test]
fn files_are_those_of_data_md() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let found: BTreeMap<_, _> = files(&data)
        .into_iter()
        .map(|path| {
            let bytes = std::fs::read(&path).unwrap();
            let name = path.strip_prefix(&data).unwrap().to_str().unwrap().replace('\\', "/");
            let sha256: String =
                Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            (name, (bytes.len() as u64, sha256))
        })
        .collect();
    assert_eq!(found, listed());
    let total: u64 = found.values().map(|(bytes, _)| bytes).sum();
    assert!(total < 9_700_000, "{total} bytes; a published crate holds 10 MB, its code too");
}

fn per_class(images: &Images) -> Vec<usize> {
    let mut counts = vec![0; 10];
    for &label in &images.labels {
        counts[usize::from(label)] += 1;
    }
    counts
}

fn ink(images: &Images, index: usize) -> u64 {
    images.pixels.index_axis(Axis(0), index).iter().map(|&level| u64::from(level)).sum()
}

#[test]
fn mnist_is_the_beginning_of_its_training_set() {
    let images = ImageSet::Mnist.load().unwrap();
    assert_eq!(images.pixels.dim(), (10_000, 28, 28));
    assert_eq!(images.white, 255);
    assert_eq!(per_class(&images), [1001, 1127, 991, 1032, 980, 863, 1014, 1070, 944, 978]);
    assert_eq!(images.pixels.iter().map(|&level| u64::from(level)).sum::<u64>(), 262_146_600);

    // The first picture of MNIST's training file, a five.
    let fives: Vec<_> = (0..10_000).filter(|&i| ink(&images, i) == 27_525).collect();
    let middle = [81, 240, 253, 253, 119, 25];
    let first = fives.iter().find(|&&i| {
        images.labels[i] == 5 && images.pixels.slice(s![i, 14, 13..19]).iter().eq(&middle)
    });
    assert!(first.is_some());

    // Mixed: every class is among the first hundred.
    let beginning: HashSet<_> = images.labels[..100].iter().collect();
    assert_eq!(beginning.len(), 10);
    assert_eq!(mnist().unwrap(), images);
}

#[test]
fn optdigits_is_scikit_learns() {
    let images = ImageSet::Optdigits.load().unwrap();
    assert_eq!(images.pixels.dim(), (1797, 8, 8));
    assert_eq!(images.white, 16);
    assert_eq!(per_class(&images), [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]);
    assert_eq!(images.labels[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!((images.labels[1796], ink(&images, 1796)), (8, 392));
    assert_eq!(ink(&images, 0), 294);
    assert_eq!(images.pixels.slice(s![0, 1, ..]).to_vec(), [0, 0, 13, 15, 10, 15, 5, 0]);
    assert_eq!(images.pixels.iter().map(|&level| u64::from(level)).sum::<u64>(), 561_718);
    assert_eq!(optdigits().unwrap(), images);
}

/// Figures of the package's own file, counted by the script that made this one.
#[test]
fn fashion_mnist_is_the_beginning_of_its_test_set() {
    let images = ImageSet::FashionMnist.load().unwrap();
    assert_eq!(images.pixels.dim(), (6_000, 28, 28));
    assert_eq!(images.white, 255);
    assert_eq!(per_class(&images), [600; 10]);
    assert_eq!(images.pixels.iter().map(|&level| u64::from(level)).sum::<u64>(), 343_456_160);
    // The first pictures of the test set: a boot, a pullover, trousers.
    assert_eq!(images.labels[..10], [9, 2, 1, 1, 6, 1, 4, 6, 5, 7]);
    assert_eq!([0, 1, 2].map(|index| ink(&images, index)), [33456, 100994, 51520]);
    assert_eq!(
        images.pixels.slice(s![0, 14, 20..]).to_vec(),
        [149, 159, 167, 144, 158, 169, 119, 0]
    );
    assert_eq!(ImageSet::FashionMnist.classes(), FASHION_CLASSES);
    assert_eq!(ImageSet::Mnist.classes()[7], "7");
    assert_eq!(fashion_mnist().unwrap(), images);
}

fn check_words(set: &WordVectors, count: usize, dim: usize) {
    assert_eq!(set.words.len(), count);
    assert_eq!(set.vectors.dim(), (count, dim));
    assert_eq!(set.words.iter().collect::<HashSet<_>>().len(), count, "a word occurs twice");
    assert!(set.words.iter().all(|w| !w.is_empty() && !w.contains(char::is_whitespace)));
    assert!(set.vectors.iter().all(|value| value.is_finite()));
    assert!(set.vectors.rows().into_iter().all(|row| row.dot(&row) > 0.0));
}

fn cosine(set: &WordVectors, a: &str, b: &str) -> f32 {
    let row = |word| set.vectors.row(set.words.iter().position(|w| w == word).unwrap());
    let (a, b) = (row(a), row(b));
    a.dot(&b) / (a.dot(&a) * b.dot(&b)).sqrt()
}

#[test]
fn glove_has_the_values_of_the_package() {
    let set = WordSet::GloveEnglish.load().unwrap();
    check_words(&set, 20_000, 50);
    assert_eq!(set.words[..5], ["the", ",", ".", "of", "to"]);
    assert_eq!(set.words[19_999], "pitting");
    // binary16 keeps 11 bits: half of the last is 2⁻¹² of a value below the next power of two.
    let the = [0.418, 0.249_68, -0.412_42, 0.1217];
    let pitting = [0.157_76, -0.117_49, -0.3268, -0.799_74];
    let stored = set.vectors.slice(s![0, ..4]).into_iter().zip(the);
    for (&stored, value) in
        stored.chain(set.vectors.slice(s![19_999, 46..]).into_iter().zip(pitting))
    {
        assert!((stored - value).abs() <= value.abs() / 2048.0, "{stored} for {value}");
    }
    assert_eq!(glove_english().unwrap(), set);
}

#[test]
fn fasttext_is_near_the_rows_of_the_package() {
    let set = WordSet::FasttextFrench.load().unwrap();
    check_words(&set, 19_987, 300);
    assert_eq!(set.words[..5], [",", "de", "</s>", ".", "la"]);
    assert_eq!(set.words[19_986], "cassette");

    // The package's rows of every thousandth word.
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/fasttext_french.npy");
    let full = read_table(golden, &TableOptions::default()).unwrap().features;
    assert_eq!(full.dim(), (20, 300));
    let stored = set.vectors.slice(s![..;1000, ..]);
    let norm = |row: ArrayView1<'_, f32>| row.dot(&row).sqrt();
    let mut cosines = Vec::new();
    for (stored, full) in stored.rows().into_iter().zip(full.rows()) {
        // The scale gives a row its length; it is a binary16, which keeps 11 bits. The rest is f32.
        let length = norm(stored) / norm(full);
        assert!((length - 1.0).abs() < 1.0 / 2048.0 + 1e-5, "{length}");
        cosines.push(stored.dot(&full) / (norm(stored) * norm(full)));
    }
    // Over all words the mean is 0.989 and the least 0.950; a mean of twenty varies by 0.001.
    let mean = cosines.iter().sum::<f32>() / 20.0;
    assert!(mean > 0.985 && cosines.iter().all(|&cosine| cosine > 0.949), "{mean}, {cosines:?}");

    assert!(cosine(&set, "roi", "reine") > cosine(&set, "roi", "fromage") + 0.2);
    assert_eq!(fasttext_french().unwrap(), set);
}

#[test]
fn sentences_are_all_there_with_their_ratings() {
    // Domain, sentences, positive and negative ones, first and last: rating and beginning.
    let known = [
        (
            SentenceDomain::Tweets,
            [4200, 2345, 1087],
            (2.726315789, "Somehow I was blessed with"),
            (0.2, "Execute like lightning not like wind"),
        ),
        (
            SentenceDomain::Products,
            [3708, 1750, 1235],
            (-0.9, "troubleshooting ad-2500 and ad-2600"),
            (-2.75, "it did lock up on me a couple of times"),
        ),
        (
            SentenceDomain::Movies,
            [10_605, 4996, 5076],
            (2.26666666667, "The Rock is destined"),
            (-1.8125, "Her fans walked out"),
        ),
        (
            SentenceDomain::News,
            [5190, 1187, 1783],
            (0.4, "On Dec. 19, around noon"),
            (0.15, "They sound a needed alarm in the urban education night."),
        ),
    ];
    assert_eq!(known.map(|(domain, ..)| domain), SentenceDomain::ALL);
    for (domain, counts, first, last) in known {
        let sentences = rated_sentences(domain).unwrap();
        let labelled = |label| sentences.iter().filter(|s| s.label() == Some(label)).count();
        let found = [sentences.len(), labelled(Sentiment::Positive), labelled(Sentiment::Negative)];
        assert_eq!(found, counts, "{domain}");
        let ends = [(&sentences[0], first), (&sentences[counts[0] - 1], last)];
        for (sentence, (rating, beginning)) in ends {
            assert_eq!(sentence.rating, rating);
            assert!(sentence.text.starts_with(beginning), "{}", sentence.text);
        }
        for RatedSentence { text, rating, .. } in &sentences {
            assert!((-4.0..=4.0).contains(rating), "{rating}: {text}");
            assert!(!text.is_empty() && text.trim() == text && !text.contains(char::is_control));
        }
    }
}

fn rating(lexicon: &[(String, f64)], word: &str) -> f64 {
    lexicon.iter().find(|(other, _)| other == word).unwrap().1
}

#[test]
fn vader_is_the_lexicon_of_the_package() {
    let lexicon = vader_english().unwrap();
    assert_eq!(lexicon.len(), 7518);
    let different: HashSet<_> = lexicon.iter().map(|(word, _)| word).collect();
    assert_eq!(different.len(), 7504);
    assert_eq!(lexicon[0], ("$:".to_owned(), -1.5));
    assert_eq!(lexicon[7517], ("}:-)".to_owned(), 0.3));
    assert_eq!(rating(&lexicon, "great"), 3.1);
    assert_eq!(rating(&lexicon, "horrible"), -2.5);
    assert!(lexicon.iter().all(|(_, rating)| (-4.0..=4.0).contains(rating)));
}

#[test]
fn afinn_is_the_lexicon_of_the_package() {
    let lexicon = afinn_french().unwrap();
    assert_eq!(lexicon.len(), 2900);
    let different: HashSet<_> = lexicon.iter().map(|(word, _)| word).collect();
    assert_eq!(different.len(), 2900);
    assert_eq!(lexicon[0], ("a accueilli".to_owned(), 2.0));
    assert_eq!(lexicon[2899], ("Zut".to_owned(), -2.0));
    assert!(lexicon.iter().all(|(_, rating)| rating.abs() <= 5.0 && rating.fract() == 0.0));
}

type Words<'a> = HashSet<&'a str>;

/// The source words of pairs.
fn sources(pairs: &[(String, String)]) -> Words<'_> {
    pairs.iter().map(|(word, _)| word.as_str()).collect()
}

/// The share of words in every quarter of the vocabulary's ranks, of those that are in it.
fn quarters(words: &Words<'_>, vocabulary: &[String]) -> [f64; 4] {
    let mut counts = [0.0; 4];
    for (rank, word) in vocabulary.iter().enumerate() {
        if words.contains(word.as_str()) {
            counts[rank * 4 / vocabulary.len()] += 1.0;
        }
    }
    let all: f64 = counts.iter().sum();
    counts.map(|count| count / all)
}

/// Counts of source words and pairs, balance, and what no part may share with another.
fn check_lexicon(lexicon: &Lexicon, vocabulary: &[String], train: [usize; 2], test: [usize; 2]) {
    for (pairs, [words, count]) in [(&lexicon.train, train), (&lexicon.test, test)] {
        assert_eq!([sources(pairs).len(), pairs.len()], [words, count]);
        assert_eq!(pairs.iter().collect::<HashSet<_>>().len(), count, "a pair occurs twice");
        let word = |word: &String| word.to_lowercase() == *word && !word.contains(char::is_control);
        assert!(pairs.iter().all(|(source, target)| word(source) && word(target)));
    }
    let (train, test) = (sources(&lexicon.train), sources(&lexicon.test));
    assert!(train.len() >= 2000 && test.len() >= 500);
    assert!(train.is_disjoint(&test));
    let known: Words<'_> = vocabulary.iter().map(String::as_str).collect();
    assert!(test.is_subset(&known), "a word without a vector is tested");

    // Both parts are drawn from five bands of ranks with the same number of words each. French words to
    // learn from are translations of English ones, and so only about as frequent: within 0.06.
    let (train, test) = (quarters(&train, vocabulary), quarters(&test, vocabulary));
    for (train, test) in train.into_iter().zip(test) {
        assert!((train - test).abs() < 0.06, "{train} of the training, {test} of the test words");
    }
}

#[test]
fn lexicons_test_what_was_not_learned() {
    let (english, french) = (glove_english().unwrap().words, fasttext_french().unwrap().words);
    let (forward, backward) = (english_french().unwrap(), french_english().unwrap());
    check_lexicon(&forward, &english, [3096, 5783], [800, 1562]);
    check_lexicon(&backward, &french, [5011, 5783], [700, 1316]);
    assert_eq!(forward.train[0], ("price".to_owned(), "prix".to_owned()));

    // What is learned is the same in both directions, and so neither learns what the other tests.
    let turned = |pairs: &[(String, String)]| {
        pairs.iter().map(|(a, b)| (b.clone(), a.clone())).collect::<HashSet<_>>()
    };
    assert_eq!(turned(&forward.train), backward.train.iter().cloned().collect());
    assert!(turned(&backward.test).is_disjoint(&forward.train.iter().cloned().collect()));
    assert!(turned(&forward.test).is_disjoint(&backward.train.iter().cloned().collect()));
}

#[test]
fn every_name_loads() {
    for dataset in Dataset::all() {
        let rows = match dataset {
            Dataset::Images(set) => set.load().unwrap().labels.len(),
            Dataset::Words(set) => set.load().unwrap().words.len(),
            Dataset::Sentences(domain) => rated_sentences(domain).unwrap().len(),
            _ => panic!("{dataset} is not tested"),
        };
        assert!(rows > 1000, "{dataset}: {rows}");
    }
}

#[test]
fn tests_of_word_vectors_have_vectors() {
    let words: HashSet<String> = glove_english().unwrap().words.into_iter().collect();
    let pairs = english_ratings().unwrap();
    assert_eq!(pairs.len(), 120);
    assert_eq!((pairs[0].first.as_str(), pairs[0].rating), ("car", 9.7));
    for pair in &pairs {
        assert!(words.contains(&pair.first) && words.contains(&pair.second), "{pair:?}");
        assert!((0.0..=10.0).contains(&pair.rating), "{pair:?}");
    }
    let twice: HashSet<_> = pairs.iter().map(|pair| (&pair.first, &pair.second)).collect();
    assert_eq!(twice.len(), pairs.len());

    let questions = english_analogies().unwrap();
    assert_eq!(questions.len(), 288);
    assert_eq!(questions[0].words, ["berlin", "germany", "paris", "france"]);
    for question in &questions {
        assert!(question.words.iter().all(|word| words.contains(word)), "{question:?}");
    }
}

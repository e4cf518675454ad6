//! Sentences and their translations, by means of aligned word vectors.

use std::collections::HashMap;

use ndarray::{Array2, ArrayView1};
use procrust_align::AlignError;
use procrust_text::{Encode, WordMean, WordVectors};

use procrust_runner::Finding;

use crate::{
    bitext::plan::BitextPlan,
    lexicon::{
        measure::Retrieval, pairs::Queries, plan::Criterion, rank_metric::RankMetric,
        spaces::Spaces,
    },
    shared::text::TextDataError,
};

/// Both spaces and the sentences.
#[derive(Debug)]
pub struct Bitext {
    /// What a reader of the results should know about the data.
    pub notes: Vec<String>,
    spaces: Spaces,
    /// Of both languages, as the plan's source and target have them.
    sentences: [Vec<String>; 2],
}

/// Words and their rows in the shared space.
struct Mapped<'a> {
    places: HashMap<&'a str, usize>,
    rows: Array2<f32>,
}

impl WordVectors for Mapped<'_> {
    fn dimensions(&self) -> usize {
        self.rows.ncols()
    }

    fn vector(&self, word: &str) -> Option<ArrayView1<'_, f32>> {
        self.places.get(word).map(|&at| self.rows.row(at))
    }
}

impl Bitext {
    pub(crate) fn load(plan: &BitextPlan, most: Option<usize>) -> Result<Self, TextDataError> {
        let pairs = match &plan.file {
            None => procrust_datasets::english_french_sentences()?,
            Some(file) => procrust_datasets::read_sentence_pairs(file)?,
        };
        let pairs: Vec<[String; 2]> = pairs.into_iter().take(most.unwrap_or(usize::MAX)).collect();
        let lexicon = &plan.lexicon;
        let neighbors = match lexicon.criteria.contains(&Criterion::Csls) {
            true => lexicon.csls_k,
            false => 1,
        };
        let expected = RankMetric::most_asked(&lexicon.metrics).max(neighbors);
        if pairs.len() < expected {
            return Err(TextDataError::Pairs { expected, found: pairs.len() });
        }
        let spaces = Spaces::load(lexicon, Some(1))?;
        let mut notes = vec![format!("{} pairs of sentences", pairs.len())];
        notes.extend(spaces.notes().into_iter().map(|note| {
            // Test words are not asked here.
            note.split(" and ").next().unwrap_or_default().to_owned()
        }));
        let [source, target] = [0, 1].map(|side: usize| {
            pairs.iter().map(|pair| elisions(&pair[side])).collect::<Vec<String>>()
        });
        Ok(Self { notes, spaces, sentences: [source, target] })
    }

    pub(crate) fn tasks(&self) -> Vec<String> {
        self.spaces.tasks().iter().map(crate::lexicon::spaces::Task::name).collect()
    }

    pub(crate) fn run(
        &self,
        plan: &BitextPlan,
        task: usize,
        method: usize,
        seed: u64,
    ) -> Vec<Finding> {
        let lexicon = &plan.lexicon;
        let retrieval = Retrieval {
            criteria: &lexicon.criteria,
            csls_k: lexicon.csls_k,
            metrics: &lexicon.metrics,
        };
        let task = self.spaces.tasks().swap_remove(task);
        let mapped = || -> Result<_, AlignError> {
            let fitted = task.fit(&lexicon.methods[method], seed)?;
            let source = fitted.learned.maps.map_source(task.source)?;
            let target = fitted.learned.maps.map_target(task.target)?;
            Ok(([source, target], fitted))
        };
        let ([source, target], fitted) = match mapped() {
            Ok(mapped) => mapped,
            Err(error) => return retrieval.failed(&error.to_string()),
        };
        let side = task.direction.side();
        let mean = WordMean::sif(plan.smoothing).components(plan.components);
        let encode = |words: &[String], rows: Array2<f32>, side: usize| {
            let places = words.iter().enumerate().map(|(at, word)| (word.as_str(), at)).collect();
            let sentences: Vec<&str> = self.sentences[side].iter().map(String::as_str).collect();
            mean.fit(Mapped { places, rows }, &sentences)?.encode(&sentences)
        };
        let encoded = encode(task.source_words, source, side)
            .and_then(|source| Ok((source, encode(task.target_words, target, 1 - side)?)));
        let (source, target) = match encoded {
            Ok(encoded) => encoded,
            Err(error) => return retrieval.failed(&error.to_string()),
        };
        // A sentence without a known word is asked all the same, and is wrong.
        let count = source.rows.nrows();
        let queries =
            Queries { rows: (0..count).map(|at| (at, vec![at])).collect(), listed: count };
        let mut findings = retrieval.measure(source.rows.view(), target.rows.view(), &queries);
        findings.retain(|finding| finding.metric.is_tabled());
        for finding in &mut findings {
            finding.fit_seconds = fitted.seconds;
            finding.warnings.clone_from(&fitted.warnings);
            finding.remarks = vec![format!(
                "{:.1} % of the words asked and {:.1} % of those searched have a vector",
                100.0 * source.coverage(),
                100.0 * target.coverage()
            )];
        }
        findings
    }
}

/// Puts a space behind the apostrophe of a French word that lost its vowel: `l'hôte`, `qu'on`.
fn elisions(sentence: &str) -> String {
    let mut out = String::with_capacity(sentence.len() + 8);
    for c in sentence.replace('’', "'").chars() {
        out.push(c);
        if c == '\'' {
            let word = out[..out.len() - 1].rsplit(|c: char| !c.is_alphanumeric()).next();
            let word = word.unwrap_or_default().to_lowercase();
            let elided =
                ["c", "d", "j", "l", "m", "n", "s", "t", "qu", "jusqu", "lorsqu", "puisqu"];
            if elided.contains(&word.as_str()) {
                out.push(' ');
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elided_words_stand_apart() {
        assert_eq!(elisions("L'hôte qu’on n'attend pas"), "L' hôte qu' on n' attend pas");
        assert_eq!(elisions("aujourd'hui, it's not"), "aujourd'hui, it's not");
    }
}

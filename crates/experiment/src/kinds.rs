//! The kinds of plan.

use procrust_runner::Kinds;

use crate::{
    adaptation::Adaptation, benchmark::Benchmark, bitext::BitextKind, continual::Continual,
    detection::Detection, few_shot::FewShot, lexicon::Lexicon, qa::Qa, ranking::Ranking,
    sentences::Sentences, similarity::Similarity, zero_shot::ZeroShot,
};

/// All kinds of plan, in the order of the documentation.
#[must_use]
pub fn kinds() -> Kinds {
    Kinds::new(vec![
        Box::new(Adaptation),
        Box::new(Lexicon),
        Box::new(Similarity),
        Box::new(ZeroShot),
        Box::new(FewShot),
        Box::new(Ranking),
        Box::new(Continual),
        Box::new(Detection),
        Box::new(Sentences),
        Box::new(Qa),
        Box::new(BitextKind),
        Box::new(Benchmark),
    ])
}

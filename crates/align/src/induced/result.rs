//! What methods without enough pairs give beside the maps, and what they share.

use std::ops::ControlFlow;

use crate::Alignment;

/// An alignment that found its own dictionary.
///
/// Not all that is found is true: whether the run worked is for
/// [`Diagnosis`](crate::Diagnosis) to say.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Induced {
    /// The maps of both sides.
    pub alignment: Alignment,
    /// The last dictionary: rows of the source and the target, in order, each pair once.
    pub dictionary: Vec<(usize, usize)>,
    /// The number of rounds.
    pub rounds: usize,
    /// The last value of the objective, which each method defines.
    pub objective: f64,
    /// Why it ended.
    pub stop: Stop,
}

/// Why a method that works in rounds ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stop {
    /// Nothing was to be gained any more.
    Converged,
    /// The limit of rounds was reached.
    Rounds,
    /// The observer asked for it.
    Observer,
}

/// Where a method that works in rounds stands.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The round, counted from 1.
    pub round: usize,
    /// The objective in this round.
    pub objective: f64,
    /// The best objective so far.
    pub best: f64,
    /// The share of pairs that may be used in this round; 1 where the method drops none.
    pub keep: f64,
}

/// Sees every round, and may end the run, which then returns what it has.
pub type Observer<'a> = dyn FnMut(&Progress) -> ControlFlow<()> + 'a;

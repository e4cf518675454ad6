//! Experiments with transfer between embedding spaces: the kinds of plan.
//!
//! A plan file names data, methods and seeds. [`kinds`] knows what plan files of each kind say;
//! `procrust-runner` loads the data, runs every method on every task with every seed, writes one line of
//! `results.jsonl` per measured value, sums up and writes the report. The program `procrust` does just that:
//!
//! ```no_run
//! use procrust_experiment::kinds;
//! use procrust_runner::{Options, Ready, Sink, Style, Summary, render};
//!
//! # use procrust_blas as _;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let plan = kinds().read("plans/digits.toml".as_ref())?;
//! let sink = Sink::create("target/experiments".as_ref())?;
//! let finished = Ready::load(plan, Options::default())?.run(&sink, 0)?;
//! sink.close()?;
//! println!("{}", render(&Summary::new(&finished), Style::of_stdout()));
//! # Ok(())
//! # }
//! ```
//!
//! Same seed and same machine give the same values, whatever the number of threads; the seconds
//! that a fit took differ, of course.
//!
//! Every kind is a folder with its plan, its data, its runs and its pictures.

pub mod adaptation;
mod annotate;
mod benchmark;
pub mod bitext;
pub mod continual;
mod convert;
pub mod detection;
pub mod documents;
mod embed;
mod features;
pub mod few_shot;
mod kinds;
pub mod lexicon;
pub mod pair_tasks;
pub mod qa;
pub mod ranking;
pub mod sentences;
pub mod shared;
mod shipped;
mod shipped_texts;
pub mod similarity;
pub mod spans;
pub mod tuning;
pub mod zero_shot;

pub use annotate::annotated;
pub use convert::{Conversion, ConvertError, Converted};
pub use embed::{EmbedError, Embedded, Embedding};
pub use features::{ExtractedFeatures, FeatureExtraction, FeaturesError};
pub use kinds::kinds;
pub use shared::dense::{dense_by_name, descriptor_named};
pub use shared::space::{Space, SpaceError};
pub use shipped::{default_plans, shipped_plans};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

use procrust_blas as _;

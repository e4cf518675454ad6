//! Experiments with transfer between embedding spaces: from a plan file to results and a report.
//!
//! A [`Plan`] names data, methods and seeds. [`Ready::load`] reads and prepares the data,
//! [`Ready::run`] runs every method on every task with every seed and writes one line of
//! `results.jsonl` a measured value to a [`Sink`], a [`Summary`] says what came of it, and
//! [`report::write`] shows it. The program `procrust` does just that:
//!
//! ```no_run
//! use procrust_experiment::{Options, Plan, Ready, Sink, Style, Summary, render};
//!
//! # use procrust_blas as _;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let plan = Plan::read("plans/digits.toml".as_ref())?;
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
//! LAPACK comes from OpenBLAS through `procrust-blas`.

pub mod adaptation;
mod annotate;
mod benchmark;
mod causes;
mod comparisons;
mod convert;
mod dense;
mod descriptors;
mod embed;
mod features;
pub mod interrupt;
pub mod lexicon;
mod memory;
pub mod plan;
mod progress;
mod regret;
pub mod report;
mod results;
mod run;
mod sentences;
mod shipped;
pub mod similarity;
mod space;
mod summary;
mod terminal;
pub mod text;
pub mod transfer;

pub use annotate::annotated;
pub use convert::{Conversion, ConvertError, Converted};
pub use dense::{dense_by_name, descriptor_named};
pub use embed::{EmbedError, Embedded, Embedding};
pub use features::{ExtractedFeatures, FeatureExtraction, FeaturesError};
pub use memory::CountingAllocator;
pub use plan::Plan;
pub use results::{Outcome, Record, Sink, write_whole};
pub use run::{Data, Finding, Finished, Options, Ready, RunPlanError, Unit, diagnosis_fields};
pub use shipped::{default_plans, shipped_plans};
pub use space::{Space, SpaceError};
pub use summary::{Cell, Column, Row, SideTable, Summary};
pub use terminal::{Style, render};

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

use procrust_blas as _;

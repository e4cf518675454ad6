//! Runs experiments of any kind: plan files, runs, findings, results, summaries and reports.
//!
//! A kind of plan is three traits. [`Kind`] reads a plan file of its kind, [`Experiment`] loads what
//! the plan names, and [`Work`] runs one method on one task with one seed. The rest is the same for
//! every kind and stands here: [`Plan`] reads the keys that all plans share, [`Ready`] spreads the runs over the
//! threads, [`Sink`] writes their [`Record`]s in the order of the plan, [`Summary`] makes a table
//! and sentences of the [`Finding`]s, and [`report::write`] makes pages of them.
//!
//! The runner knows no method, no pictures and no texts.

mod causes;
mod finding;
pub mod interrupt;
mod kind;
mod memory;
mod plan;
mod progress;
pub mod report;
mod results;
mod run;
mod statistics;
mod summary;
mod terminal;

pub use causes::in_full;
pub use finding::{Evidence, Finding, Metric, Outcome, Run, variant};
pub use kind::{Experiment, Kind, LoadError, Loaded, MethodRow, Role, Said, Together, Work};
pub use memory::CountingAllocator;
pub use plan::{
    Context, Kinds, Place, PlacedPair, Plan, PlanError, ReadPlanError, Source, Table, at_least_one,
    existing, kind_of,
};
pub use procrust_files::write_whole;
pub use procrust_settings::unknown;
pub use progress::Progress;
pub use results::{Record, Sink};
pub use run::{Finished, Options, Ready, RunPlanError};
pub use statistics::{difference, estimate};
pub use summary::{
    Cell, Column, Row, SideTable, Summary, View, errors_of, sentence_of_gains, sentences_of_rows,
};
pub use terminal::{Style, percent, render};

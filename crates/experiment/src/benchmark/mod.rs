//! Plans of kind `benchmark`: every method on the tasks of other plans, one run after another.

mod pictures;
pub(crate) mod plan;
mod summary;

use procrust_runner::{
    Context, Experiment, Finished, Kind, LoadError, Loaded, Options, PlanError, Ready, Summary,
    Table, Together, report::Picture,
};

use plan::BenchmarkPlan;

/// Rows kept per domain under `--quick`: a benchmark tries everything.
const QUICK_ROWS: usize = 200;
/// Words kept per vocabulary under `--quick`.
const QUICK_WORDS: usize = 3000;

/// The kind `benchmark`.
#[derive(Debug)]
pub(crate) struct Benchmark;

impl Kind for Benchmark {
    fn name(&self) -> &'static str {
        "benchmark"
    }

    fn about(&self) -> &'static str {
        "quality, time and memory of every method on the tasks of other plans"
    }

    fn read(
        &self,
        table: &mut Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Experiment>, PlanError> {
        Ok(Box::new(BenchmarkPlan::parse(table, context)?))
    }
}

impl Experiment for BenchmarkPlan {
    fn load(&self, options: Options) -> Result<Loaded, LoadError> {
        let (rows, words) = match options.quick {
            true => (Some(QUICK_ROWS), Some(QUICK_WORDS)),
            false => (None, None),
        };
        let mut options = options;
        options.alone = true;
        let load = |part| Ready::load(part, options);
        let parts = self.parts(rows, words)?.into_iter().map(load).collect::<Result<_, _>>()?;
        Ok(Loaded::Parts(parts, Box::new(SummedUp)))
    }
}

/// Sums up the parts method by method.
#[derive(Debug)]
struct SummedUp;

impl Together for SummedUp {
    fn summary(&self, finished: &Finished) -> Summary {
        summary::summary(finished)
    }

    fn pictures(&self, finished: &Finished, id: &str) -> Vec<Picture> {
        pictures::pictures(finished, id)
    }
}

//! Plans of kind `benchmark`: every method on the tasks of other plans, one run after another.

use std::path::{Path, PathBuf};

use procrust_classify::{Classifier, classifiers};
use procrust_runner::{
    Context, Experiment, Kind, Kinds, Place, Plan, PlanError, Table, existing, kind_of, unknown,
};
use procrust_settings::{Choice, Family};

use crate::{
    adaptation::{
        methods::adaptation_methods,
        plan::{AdaptationPlan, accuracy},
    },
    lexicon::{
        methods::lexicon_methods,
        plan::{Criterion, LexiconPlan, Training},
        rank_metric::RankMetric,
    },
    shipped_texts,
};

/// An experiment that measures quality, time and memory of all methods alike.
#[derive(Debug, Clone)]
pub(crate) struct BenchmarkPlan {
    name: String,
    /// Stand in place of the parts' own.
    seeds: Option<Vec<u64>>,
    parts: Vec<Part>,
    changes: Changes,
}

/// A plan whose tasks are taken.
#[derive(Debug, Clone)]
struct Part {
    file: PathBuf,
    text: String,
    place: Place,
}

/// What is changed in every part: its methods, one classifier or criterion, and one metric.
#[derive(Debug, Clone)]
struct Changes {
    rows: Option<usize>,
    words: Option<usize>,
    methods: Option<Vec<(String, Place)>>,
    classifier: Option<Choice<dyn Classifier>>,
}

impl BenchmarkPlan {
    pub(crate) fn parse(table: &mut Table, context: &Context<'_>) -> Result<Self, PlanError> {
        let named = table
            .texts("plans")?
            .ok_or_else(|| table.error("a benchmark needs the key `plans`, a list"))?;
        if named.is_empty() {
            return Err(table.error("plans: the list is empty"));
        }
        let changes = Changes {
            rows: table.count("rows", 2)?,
            words: table.count("words", 2)?,
            methods: table.texts("methods")?,
            classifier: classifier(table)?,
        };
        let parts =
            named.iter().map(|part| read(context.folder, part)).collect::<Result<_, _>>()?;
        let seeds = context.seeds.map(<[u64]>::to_vec);
        let plan = Self { name: context.name.to_owned(), seeds, parts, changes };
        plan.changes.check_methods(&plan.parts)?;
        plan.parts(None, None)?;
        Ok(plan)
    }

    /// The parts, with at most so many rows per domain, spread evenly, and the first so many words per vocabulary.
    ///
    /// Names of parts begin with the benchmark's.
    pub(crate) fn parts(
        &self,
        rows: Option<usize>,
        words: Option<usize>,
    ) -> Result<Vec<Plan>, PlanError> {
        let mut plans: Vec<Plan> = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let mut changes = self.changes.clone();
            lower(&mut changes.rows, rows);
            lower(&mut changes.words, words);
            let change = PartOf { changes, place: part.place.clone(), name: self.name.clone() };
            let kinds = Kinds::new(vec![
                Box::new(AdaptationPart(change.clone())),
                Box::new(LexiconPart(change)),
            ]);
            let mut plan = kinds.parse(&part.file, &part.text)?;
            plan.name = format!("{}/{}", self.name, plan.name);
            if plans.iter().any(|other| other.name == plan.name) {
                let label = part_label(&self.name, &plan);
                return Err(part.place.error(format!("plans: two plans are called `{label}`")));
            }
            if let Some(seeds) = &self.seeds {
                plan.seeds.clone_from(seeds);
            }
            plans.push(plan);
        }
        Ok(plans)
    }
}

/// The lower of a limit and another.
fn lower(known: &mut Option<usize>, most: Option<usize>) {
    *known = [*known, most].into_iter().flatten().min();
}

/// The name of a part without that of its benchmark.
pub(crate) fn part_label(benchmark: &str, part: &Plan) -> String {
    let name = part.name.strip_prefix(benchmark).and_then(|name| name.strip_prefix('/'));
    name.unwrap_or(&part.name).to_owned()
}

/// The one classifier of a benchmark, if it names one.
fn classifier(table: &mut Table) -> Result<Option<Choice<dyn Classifier>>, PlanError> {
    if !table.has("classifier") {
        return Ok(None);
    }
    let mut chosen = table.choices("classifier", &classifiers(), "the classifier")?;
    if let [_, (_, place), ..] = chosen.as_slice() {
        return Err(place.error("a benchmark has one classifier, found another"));
    }
    Ok(chosen.pop().map(|(classifier, _)| classifier))
}

/// A plan that ships, by its name, or one in a file, which has an ending.
fn read(folder: &Path, named: &(String, Place)) -> Result<Part, PlanError> {
    let (name, place) = named;
    let (file, text) = if Path::new(name).extension().is_some() {
        let file = existing(folder, named)?;
        let text = std::fs::read_to_string(&file).map_err(|cause| {
            place.error(format!("plans: cannot read {}: {cause}", file.display()))
        })?;
        (file, text)
    } else {
        let (file, text) = shipped_texts::plan_text(name).ok_or_else(|| {
            let message = unknown("plans: shipped plan", name, &shipped_texts::names());
            place.error(format!("{message}; a plan in a file is named by its path, with .toml"))
        })?;
        (file.to_owned(), text.to_owned())
    };
    // Asked before the whole is read: a benchmark may name itself.
    let found = kind_of(&file, &text)?;
    if !["adaptation", "lexicon"].contains(&found.as_str()) {
        return Err(place.error(format!(
            "plans: expected plans of kind \"adaptation\" or \"lexicon\", `{name}` is of kind {found:?}"
        )));
    }
    Ok(Part { file, text, place: place.clone() })
}

impl Changes {
    /// Every name in `methods` is one of a method of some part.
    fn check_methods(&self, parts: &[Part]) -> Result<(), PlanError> {
        let mut known: Vec<&str> = Vec::new();
        for part in parts {
            match kind_of(&part.file, &part.text)?.as_str() {
                "adaptation" => known.extend(adaptation_methods().names()),
                _ => known.extend(lexicon_methods().names()),
            }
        }
        for (name, place) in self.methods.iter().flatten() {
            if !known.contains(&name.as_str()) {
                return Err(place.error(unknown("methods: method", name, &known)));
            }
        }
        Ok(())
    }
}

/// What is changed in one part, and where the benchmark names it.
#[derive(Debug, Clone)]
struct PartOf {
    changes: Changes,
    place: Place,
    name: String,
}

impl PartOf {
    /// Every method of a family, or those of the benchmark's list.
    fn chosen<T: ?Sized + 'static>(
        &self,
        family: &Family<T>,
        part: &str,
    ) -> Result<Vec<Choice<T>>, PlanError> {
        let mut all = family.every();
        if let Some(named) = &self.changes.methods {
            all.retain(|method| named.iter().any(|(name, _)| name == method.name()));
        }
        if all.is_empty() {
            let message = format!("methods: none of the list is one for `{}/{part}`", self.name);
            return Err(self.place.error(message));
        }
        Ok(all)
    }
}

/// The kind `adaptation` with a benchmark's changes.
struct AdaptationPart(PartOf);

impl Kind for AdaptationPart {
    fn name(&self) -> &'static str {
        "adaptation"
    }

    fn about(&self) -> &'static str {
        "a part of a benchmark"
    }

    fn read(
        &self,
        table: &mut Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Experiment>, PlanError> {
        let mut plan = AdaptationPlan::parse(context.folder, table)?;
        plan.methods = self.0.chosen(&adaptation_methods(), context.name)?;
        plan.classifiers.truncate(1);
        if let Some(classifier) = &self.0.changes.classifier {
            plan.classifiers = vec![classifier.clone()];
        }
        plan.metrics = vec![accuracy()];
        plan.split.time_apply = true;
        for domain in &mut plan.data.domains {
            lower(&mut domain.rows, self.0.changes.rows);
        }
        lower(&mut plan.data.most_sentences, self.0.changes.rows);
        Ok(Box::new(plan))
    }
}

/// The kind `lexicon` with a benchmark's changes.
struct LexiconPart(PartOf);

impl Kind for LexiconPart {
    fn name(&self) -> &'static str {
        "lexicon"
    }

    fn about(&self) -> &'static str {
        "a part of a benchmark"
    }

    fn read(
        &self,
        table: &mut Table,
        context: &Context<'_>,
    ) -> Result<Box<dyn Experiment>, PlanError> {
        let mut plan = LexiconPlan::parse(context.folder, table)?;
        plan.methods = self.0.chosen(&lexicon_methods(), context.name)?;
        if matches!(plan.forward.train, Training::None) {
            plan.methods.retain(|method| !method.needs_pairs());
        }
        match plan.criteria.contains(&Criterion::Csls) {
            true => plan.criteria = vec![Criterion::Csls],
            false => plan.criteria.truncate(1),
        }
        plan.metrics = vec![RankMetric::Precision(1)];
        lower(&mut plan.source.limit, self.0.changes.words);
        lower(&mut plan.target.limit, self.0.changes.words);
        Ok(Box::new(plan))
    }
}

#[cfg(test)]
mod tests {
    use std::any::Any;

    use procrust_runner::Source;
    use procrust_settings::labels;

    use super::*;

    /// The parts as their own kinds read them.
    fn parse(text: &str) -> Result<Vec<Plan>, String> {
        let text = format!("name = \"b\"\nkind = \"benchmark\"\n{text}");
        let mut table = Source::new(Path::new("b.toml"), &text).parse().unwrap();
        table.text("name").unwrap();
        table.text("kind").unwrap();
        let seeds = table.counts("seeds", 0).unwrap();
        let context = Context { folder: Path::new(""), name: "b", seeds: seeds.as_deref() };
        let plan = BenchmarkPlan::parse(&mut table, &context).map_err(|e| e.to_string())?;
        table.finish().map_err(|error| error.to_string())?;
        plan.parts(None, None).map_err(|error| error.to_string())
    }

    fn adaptation(part: &Plan) -> &AdaptationPlan {
        let experiment: &(dyn Any + Send + Sync) = part.experiment.as_ref();
        experiment.downcast_ref().expect("the part adapts")
    }

    fn lexicon(part: &Plan) -> &LexiconPlan {
        let experiment: &(dyn Any + Send + Sync) = part.experiment.as_ref();
        experiment.downcast_ref().expect("the part translates words")
    }

    #[test]
    fn parts_have_every_registered_method_and_one_way_to_test() {
        let parts = parse("plans = [\"sentiment\", \"words\"]\nseeds = [3, 4]\n").unwrap();
        assert_eq!(parts[0].name, "b/sentiment");
        assert!(parts.iter().all(|part| part.seeds == [3, 4]));
        let (adaptation, lexicon) = (adaptation(&parts[0]), lexicon(&parts[1]));
        let has = |name: &str| adaptation.methods.iter().any(|method| method.name() == name);
        assert!(adaptation_methods().names().into_iter().all(has));
        let has = |name: &str| lexicon.methods.iter().any(|method| method.name() == name);
        assert!(lexicon_methods().names().into_iter().all(has));
        assert_eq!((adaptation.classifiers.len(), adaptation.metrics.len()), (1, 1));
        assert_eq!(lexicon.criteria, [Criterion::Csls]);
        assert_eq!(lexicon.metrics, [RankMetric::Precision(1)]);
    }

    #[test]
    fn rows_and_words_only_lower_what_the_parts_have() {
        let text = "plans = [\"digits\", \"words\"]\nrows = 500\nwords = 700\n";
        let parts = parse(&format!(
            "{text}methods = [\"none\", \"coral\", \"procrustes\"]\n[[classifier]]\nname = \"knn\"\n"
        ));
        let parts = parts.unwrap();
        let digits = adaptation(&parts[0]);
        assert!(digits.data.domains.iter().all(|domain| domain.rows == Some(500)));
        assert_eq!(digits.classifiers, [classifiers().written("knn(k=1)").unwrap()]);
        assert_eq!(labels(&digits.methods), ["none", "coral"]);
        let words = lexicon(&parts[1]);
        assert_eq!((words.source.limit, words.target.limit), (Some(700), Some(700)));
        assert_eq!(labels(&words.methods), ["none", "procrustes"]);
        let parts = parse("plans = \"digits\"\nrows = 5000\n").unwrap();
        let digits = adaptation(&parts[0]);
        assert_eq!(digits.data.domains[0].rows, Some(2000));
    }

    #[test]
    fn mistakes_name_the_line_and_the_key() {
        let said = |text: &str| parse(text).unwrap_err();
        for (text, expected) in [
            ("", "b.toml:1:a benchmark needs the key `plans`"),
            ("plans = []\n", "b.toml:1:plans: the list is empty"),
            (
                "plans = \"digit\"\n",
                "b.toml:3:plans: shipped plan `digit` is not known; did you mean `digits`?",
            ),
            ("plans = \"gone.toml\"\n", "b.toml:3:cannot open gone.toml"),
            (
                "plans = [\"few-shot\"]\n",
                "b.toml:3:plans: expected plans of kind \"adaptation\" or \"lexicon\", `few-shot` is of kind \"few-shot\"",
            ),
            ("plans = [\"benchmark\"]\n", "b.toml:3:plans: expected plans of kind"),
            (
                "plans = [\"digits\",\n\"digits\"]\n",
                "b.toml:4:plans: two plans are called `digits`",
            ),
            (
                "plans = \"digits\"\nrows = 1\n",
                "b.toml:4:rows: expected a whole number, 2 or more, found 1",
            ),
            (
                "plans = \"digits\"\nmethods = [\"corral\"]\n",
                "b.toml:4:methods: method `corral` is not known; did you mean `coral`?",
            ),
            (
                "plans = [\"digits\", \"words\"]\nmethods = [\"coral\"]\n",
                "b.toml:3:methods: none of the list is one for `b/words`",
            ),
            (
                "plans = \"digits\"\n[[classifier]]\nname = \"knn\"\nk = [1, 2]\n",
                "b.toml:4:a benchmark has one classifier",
            ),
            (
                "plans = \"digits\"\n[[method]]\nname = \"coral\"\n",
                "b.toml:4:the plan: key `method` is not known",
            ),
        ] {
            let said = said(text);
            // The line, then the column, then the message.
            let (place, message) = expected.split_at("b.toml:1:".len());
            assert!(said.starts_with(place) && said.contains(message), "{text}: {said}");
        }
    }
}

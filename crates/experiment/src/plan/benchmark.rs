//! Plans of kind `benchmark`: every method on the tasks of other plans, one run after another.

use std::path::Path;

use super::{
    AdaptationMethod, AdaptationPlan, ClassMetric, ClassifierPlan, Criterion, Kind, LexiconMethod,
    LexiconPlan, Plan, RankMetric, Training, existing,
    parts::Labelled,
    toml_table::{Place, PlanError, Table, unknown},
};
use crate::shipped;

/// An experiment that measures quality, time and memory of all methods alike.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct MethodBenchmarkPlan {
    /// The plans whose tasks are taken, of the kinds `adaptation` and `lexicon`, with the benchmark's
    /// methods, one classifier or criterion, and one metric: accuracy or precision at 1.
    pub parts: Vec<Plan>,
}

/// What is set for all parts.
struct Settings {
    rows: Option<usize>,
    words: Option<usize>,
    methods: Option<Vec<(String, Place)>>,
    classifier: Option<ClassifierPlan>,
}

impl MethodBenchmarkPlan {
    /// The word for the kind in plans.
    pub const KIND: &'static str = "benchmark";

    /// Names of parts begin with the benchmark's `name`; `seeds` stand in place of theirs.
    pub(super) fn parse(
        folder: &Path,
        table: &mut Table,
        name: &str,
        seeds: Option<&[u64]>,
    ) -> Result<Self, PlanError> {
        let named = table
            .texts("plans")?
            .ok_or_else(|| table.error("a benchmark needs the key `plans`, a list"))?;
        if named.is_empty() {
            return Err(table.error("plans: the list is empty"));
        }
        let settings = Settings {
            rows: table.count("rows", 2)?,
            words: table.count("words", 2)?,
            methods: table.texts("methods")?,
            classifier: classifier(table)?,
        };
        let mut parts: Vec<Plan> = Vec::with_capacity(named.len());
        for part in &named {
            let mut plan = read(folder, part)?;
            plan.name = format!("{name}/{}", plan.name);
            if parts.iter().any(|other| other.name == plan.name) {
                let message = format!("plans: two plans are called `{}`", label(name, &plan));
                return Err(part.1.error(message));
            }
            if let Some(seeds) = seeds {
                plan.seeds = seeds.to_vec();
            }
            parts.push(plan);
        }
        settings.check_methods(&parts)?;
        for (plan, (_, place)) in parts.iter_mut().zip(&named) {
            settings.apply(plan, place)?;
        }
        let mut benchmark = Self { parts };
        benchmark.limit(settings.rows, settings.words);
        Ok(benchmark)
    }

    /// At most so many rows a domain, spread evenly, and the first so many words a vocabulary.
    pub(crate) fn limit(&mut self, rows: Option<usize>, words: Option<usize>) {
        let less = |known: &mut Option<usize>, most: Option<usize>| {
            *known = [*known, most].into_iter().flatten().min();
        };
        for part in &mut self.parts {
            match &mut part.kind {
                Kind::Adaptation(plan) => {
                    plan.domains.iter_mut().for_each(|domain| less(&mut domain.rows, rows));
                    less(&mut plan.most_sentences, rows);
                }
                Kind::Lexicon(plan) => {
                    less(&mut plan.source.limit, words);
                    less(&mut plan.target.limit, words);
                }
                _ => unreachable!("parts are of two kinds"),
            }
        }
    }
}

/// The name of a part without that of its benchmark.
pub(crate) fn label(benchmark: &str, part: &Plan) -> String {
    let name = part.name.strip_prefix(benchmark).and_then(|name| name.strip_prefix('/'));
    name.unwrap_or(&part.name).to_owned()
}

fn classifier(table: &mut Table) -> Result<Option<ClassifierPlan>, PlanError> {
    let mut found = Vec::new();
    for table in table.tables("classifier")? {
        let place = table.place();
        found.extend(ClassifierPlan::parse(table)?);
        if found.len() > 1 {
            return Err(place.error("a benchmark has one classifier, found another"));
        }
    }
    Ok(found.pop())
}

/// A plan that ships, by its name, or one in a file, which has an ending.
fn read(folder: &Path, named: &(String, Place)) -> Result<Plan, PlanError> {
    let (name, place) = named;
    let (file, text) = if Path::new(name).extension().is_some() {
        let file = existing(folder, named)?;
        let text = std::fs::read_to_string(&file).map_err(|cause| {
            place.error(format!("plans: cannot read {}: {cause}", file.display()))
        })?;
        (file, text)
    } else {
        let (file, text) = shipped::plan_text(name).ok_or_else(|| {
            let message = unknown("plans: shipped plan", name, &shipped::names());
            place.error(format!("{message}; a plan in a file is named by its path, with .toml"))
        })?;
        (file.to_owned(), text.to_owned())
    };
    // Asked before the whole is read: a benchmark may name itself.
    let found = super::kind_of(&file, &text)?;
    if !["adaptation", "lexicon"].contains(&found.as_str()) {
        return Err(place.error(format!(
            "plans: expected plans of kind \"adaptation\" or \"lexicon\", `{name}` is of kind {found:?}"
        )));
    }
    Plan::parse(&file, &text)
}

impl Settings {
    /// Every name in `methods` is one of a method of some part.
    fn check_methods(&self, parts: &[Plan]) -> Result<(), PlanError> {
        let mut known: Vec<&str> = Vec::new();
        for part in parts {
            match &part.kind {
                Kind::Adaptation(_) => known.extend(AdaptationMethod::names()),
                _ => known.extend(LexiconMethod::NAMES),
            }
        }
        for (name, place) in self.methods.iter().flatten() {
            if !known.contains(&name.as_str()) {
                return Err(place.error(unknown("methods: method", name, &known)));
            }
        }
        Ok(())
    }

    fn apply(&self, part: &mut Plan, place: &Place) -> Result<(), PlanError> {
        let methods = match &mut part.kind {
            Kind::Adaptation(plan) => self.of_adaptation(plan),
            Kind::Lexicon(plan) => self.of_lexicon(plan),
            _ => unreachable!("parts are of two kinds"),
        };
        match methods {
            0 => Err(place.error(format!("methods: none of the list is one for `{}`", part.name))),
            _ => Ok(()),
        }
    }

    fn of_adaptation(&self, plan: &mut AdaptationPlan) -> usize {
        plan.methods = self.chosen(AdaptationMethod::every());
        plan.classifiers.truncate(1);
        if let Some(classifier) = self.classifier {
            plan.classifiers = vec![classifier];
        }
        plan.metrics = vec![ClassMetric::Accuracy];
        plan.time_apply = true;
        plan.methods.len()
    }

    fn of_lexicon(&self, plan: &mut LexiconPlan) -> usize {
        plan.methods = self.chosen(LexiconMethod::every());
        if matches!(plan.forward.train, Training::None) {
            plan.methods.retain(|method| !method.needs_pairs());
        }
        match plan.criteria.contains(&Criterion::Csls) {
            true => plan.criteria = vec![Criterion::Csls],
            false => plan.criteria.truncate(1),
        }
        plan.metrics = vec![RankMetric::Precision(1)];
        plan.methods.len()
    }

    fn chosen<T: Labelled>(&self, mut all: Vec<T>) -> Vec<T> {
        if let Some(named) = &self.methods {
            all.retain(|method| named.iter().any(|(name, _)| name == method.name()));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Plan>, String> {
        let text = format!("name = \"b\"\nkind = \"benchmark\"\n{text}");
        match Plan::parse(Path::new("b.toml"), &text) {
            Ok(Plan { kind: Kind::Benchmark(plan), .. }) => Ok(plan.parts),
            Ok(other) => panic!("a benchmark was expected, found {}", other.kind.name()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn labels(part: &Plan) -> Vec<&'static str> {
        match &part.kind {
            Kind::Adaptation(plan) => plan.methods.iter().map(Labelled::name).collect(),
            Kind::Lexicon(plan) => plan.methods.iter().map(Labelled::name).collect(),
            _ => panic!("parts are of two kinds"),
        }
    }

    #[test]
    fn parts_have_every_registered_method_and_one_way_to_test() {
        let parts = parse("plans = [\"sentiment\", \"words\"]\nseeds = [3, 4]\n").unwrap();
        assert_eq!(parts[0].name, "b/sentiment");
        assert!(parts.iter().all(|part| part.seeds == [3, 4]));
        let has = |part: usize, name: &str| labels(&parts[part]).contains(&name);
        assert!(AdaptationMethod::names().into_iter().all(|name| has(0, name)));
        assert!(LexiconMethod::NAMES.into_iter().all(|name| has(1, name)));
        let (Kind::Adaptation(adaptation), Kind::Lexicon(lexicon)) =
            (&parts[0].kind, &parts[1].kind)
        else {
            panic!("the parts stand in the order of the plan")
        };
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
        let Kind::Adaptation(digits) = &parts[0].kind else { panic!("digits adapt") };
        assert!(digits.domains.iter().all(|domain| domain.rows == Some(500)));
        assert_eq!(digits.classifiers, [ClassifierPlan::Knn { k: 1 }]);
        assert_eq!(labels(&parts[0]), ["none", "coral"]);
        let Kind::Lexicon(words) = &parts[1].kind else { panic!("words are translated") };
        assert_eq!((words.source.limit, words.target.limit), (Some(700), Some(700)));
        assert_eq!(labels(&parts[1]), ["none", "procrustes"]);
        let parts = parse("plans = \"digits\"\nrows = 5000\n").unwrap();
        let Kind::Adaptation(digits) = &parts[0].kind else { panic!("digits adapt") };
        assert_eq!(digits.domains[0].rows, Some(2000));
    }

    #[test]
    fn mistakes_name_the_line_and_the_key() {
        let said = |text: &str| parse(text).unwrap_err();
        for (text, expected) in [
            ("", "b.toml:1: a benchmark needs the key `plans`"),
            ("plans = []\n", "b.toml:1: plans: the list is empty"),
            (
                "plans = \"digit\"\n",
                "b.toml:3: plans: shipped plan `digit` is not known; did you mean `digits`?",
            ),
            ("plans = \"gone.toml\"\n", "b.toml:3: cannot open gone.toml"),
            (
                "plans = [\"few-shot\"]\n",
                "b.toml:3: plans: expected plans of kind \"adaptation\" or \"lexicon\", `few-shot` is of kind \"few-shot\"",
            ),
            ("plans = [\"benchmark\"]\n", "b.toml:3: plans: expected plans of kind"),
            (
                "plans = [\"digits\",\n\"digits\"]\n",
                "b.toml:4: plans: two plans are called `digits`",
            ),
            (
                "plans = \"digits\"\nrows = 1\n",
                "b.toml:4: rows: expected a whole number, 2 or more, found 1",
            ),
            (
                "plans = \"digits\"\nmethods = [\"corral\"]\n",
                "b.toml:4: methods: method `corral` is not known; did you mean `coral`?",
            ),
            (
                "plans = [\"digits\", \"words\"]\nmethods = [\"coral\"]\n",
                "b.toml:3: methods: none of the list is one for `b/words`",
            ),
            (
                "plans = \"digits\"\n[[classifier]]\nname = \"knn\"\nk = [1, 2]\n",
                "b.toml:4: a benchmark has one classifier",
            ),
            (
                "plans = \"digits\"\n[[method]]\nname = \"coral\"\n",
                "b.toml:4: the plan: key `method` is not known",
            ),
        ] {
            let said = said(text);
            assert!(said.starts_with(expected), "{text}: {said}");
        }
    }
}

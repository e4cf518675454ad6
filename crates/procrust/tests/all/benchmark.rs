//! A benchmark from plan to report, on data so small that every method takes a moment.

use std::collections::BTreeSet;

use crate::common::Folder;
use procrust_experiment::{
    adaptation::methods::adaptation_methods, lexicon::methods::lexicon_methods,
};
use procrust_settings::Choice;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Wide enough for every default number of components.
const COLUMNS: usize = 40;
const ROWS: usize = 120;
const WORDS: usize = 400;

fn line(values: impl Iterator<Item = f64>, separator: &str) -> String {
    values.map(|value| format!("{value:.4}")).collect::<Vec<_>>().join(separator)
}

/// Two domains of two classes, and two vocabularies of which one is the other turned.
fn folder() -> Folder {
    let folder = Folder::new();
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut random = move || rng.random::<f64>() - 0.5;
    for (name, shift) in [("a", 0.0), ("b", 0.7)] {
        let mut text = format!("{},label\n", line((0..COLUMNS).map(|at| at as f64), ","));
        for row in 0..ROWS {
            let class = (row % 2) as f64;
            let values = (0..COLUMNS).map(|at| random() + shift + class * f64::from(at % 3 == 0));
            let values: Vec<f64> = values.collect();
            text.push_str(&format!("{},c{class}\n", line(values.into_iter(), ",")));
        }
        folder.write(&format!("{name}.csv"), text);
    }
    let (mut source, mut target, mut lexicon) = (String::new(), String::new(), String::new());
    for word in 0..WORDS {
        let row: Vec<f64> = (0..COLUMNS).map(|at| random() / (1.0 + at as f64 / 8.0)).collect();
        let turned = (0..COLUMNS).map(|at| row[(at + 7) % COLUMNS] + 0.02 * random());
        let turned: Vec<f64> = turned.collect();
        source.push_str(&format!("s{word} {}\n", line(row.into_iter(), " ")));
        target.push_str(&format!("t{word} {}\n", line(turned.into_iter(), " ")));
        lexicon.push_str(&format!("s{word} t{word}\n"));
    }
    for (file, text) in [("s.vec", source), ("t.vec", target), ("pairs.txt", lexicon)] {
        folder.write(file, text);
    }
    folder.write(
        "domains.toml",
        "name = \"domains\"\nkind = \"adaptation\"\npairs = [[\"a\", \"b\"]]\n\
         [[domain]]\nname = \"a\"\nfile = \"a.csv\"\n[[domain]]\nname = \"b\"\nfile = \"b.csv\"\n\
         [[classifier]]\nname = \"knn\"\n[[classifier]]\nname = \"ridge\"\n\
         [[method]]\nname = \"none\"\n",
    );
    folder.write(
        "words.toml",
        "name = \"words\"\nkind = \"lexicon\"\n\
         [source]\nfile = \"s.vec\"\n[target]\nfile = \"t.vec\"\n\
         [lexicon]\ntrain = \"pairs.txt\"\ntest = \"pairs.txt\"\n\
         [prepare]\nrows = [\"unit\"]\n[[method]]\nname = \"procrustes\"\n",
    );
    folder
}

const PLAN: &str =
    "name = \"all\"\nkind = \"benchmark\"\nplans = [\"domains.toml\", \"words.toml\"]\n";

#[test]
fn every_registered_method_has_quality_time_and_memory() {
    let folder = folder();
    folder.write("plan.toml", format!("{PLAN}rows = 100\n"));
    let run = folder.experiment(&["plan.toml"]).success();
    let results = folder.results();
    let of = |experiment: &str| -> BTreeSet<String> {
        let lines = results.iter().filter(|line| line["experiment"] == experiment);
        lines.map(|line| format!("{} {}", line["method"], line["settings"])).collect()
    };
    fn all<T: ?Sized>(methods: &[Choice<T>]) -> BTreeSet<String> {
        let told = |method: &Choice<T>| {
            let settings = serde_json::Value::Object(method.settings().clone());
            format!("{:?} {settings}", method.name())
        };
        methods.iter().map(told).collect()
    }
    assert_eq!(of("all/domains"), all(&adaptation_methods().every()));
    assert_eq!(of("all/words"), all(&lexicon_methods().every()));

    for line in results.iter().filter(|line| line["metric"] != "coverage") {
        let quality = line["value"].as_f64().unwrap_or_else(|| panic!("{line}"));
        assert!((0.0..=1.0).contains(&quality), "{line}");
        assert!(line["peak_mb"].as_f64().is_some_and(|peak| peak > 0.0 && peak < 4000.0), "{line}");
        let lexicon = line["kind"] == "lexicon";
        assert_eq!(line["metric"], if lexicon { "p@1" } else { "accuracy" });
        assert_eq!(line["n"], if lexicon { WORDS } else { 100 });
        let unmapped = ["none", "importance-weights", "target-trained"];
        let maps = !unmapped.contains(&line["method"].as_str().unwrap());
        // What was chosen may be none.
        if line["method"] != "auto" || lexicon {
            assert_eq!(line["apply_seconds"].as_f64().is_some(), maps, "{line}");
        }
        assert!(!maps || line["fit_seconds"].as_f64().is_some(), "{line}");
    }

    let said = String::from_utf8(run.get_output().stdout.clone()).unwrap();
    let report = folder.read("out/report.html");
    for text in [&said, &report, &folder.read("out/report.md")] {
        for method in ["sliced-wasserstein", "target-trained", "mini-vec2vec"] {
            assert!(text.contains(method), "{text}");
        }
        assert!(text.contains("is best by accuracy"), "{text}");
    }
    assert!(report.contains("Quality against time"));
    assert!(folder.read("out/report.md").contains("## all/words"));
    let picture = folder.read("out/figures/1-all-quality-lexicon.svg");
    assert!(picture.contains("rcsls"), "{picture}");
}

#[test]
fn a_method_that_fails_is_a_line_that_says_why() {
    let folder = folder();
    // Fewer rows than the default components.
    let text =
        format!("{PLAN}rows = 8\nmethods = [\"none\", \"pca\", \"coral\", \"procrustes\"]\n");
    folder.write("plan.toml", text);
    let run = folder.experiment(&["plan.toml"]).code(1);
    let results = folder.results();
    let failed: Vec<_> = results.iter().filter(|line| line.get("error").is_some()).collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["method"], "pca");
    assert_eq!(results.len(), 3 + 2 * 2);
    let said = String::from_utf8(run.get_output().stdout.clone()).unwrap();
    assert!(said.contains("failed"), "{said}");
}

#[test]
fn a_mistake_in_a_part_is_told_by_its_own_line() {
    let folder = folder();
    let broken = folder.read("domains.toml");
    folder.write("domains.toml", broken.replace("knn", "kn"));
    let said = folder.complaint(PLAN);
    assert!(said.contains("domains.toml:") && said.contains("did you mean `knn`"), "{said}");
}

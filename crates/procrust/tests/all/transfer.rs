//! Plans that carry what was learned for one task to another, from file to results.

use crate::common::{Folder, mat};

/// 120 rows of six classes `c0` to `c5`, around places that two attributes give.
fn with_classes() -> Folder {
    let folder = Folder::new();
    let mut rows = "x,y,z,label\n".to_owned();
    let mut attributes = "first,second,label\n".to_owned();
    for class in 0..6_i32 {
        let (a, b) = (f64::from(class % 3), f64::from(class / 3));
        attributes += &format!("{a},{b},c{class}\n");
        for item in 0..20_i32 {
            let jitter = f64::from((item * 7 + class * 3) % 11) / 20.0;
            rows += &format!("{},{},{},c{class}\n", 3.0 * a + jitter, 4.0 * b - jitter, a - b);
        }
    }
    folder.write("rows.csv", rows);
    folder.write("attributes.csv", attributes);
    folder
}

fn values(folder: &Folder, method: &str, metric: &str) -> Vec<f64> {
    let of = |line: &serde_json::Value| line["method"] == method && line["metric"] == metric;
    let lines = folder.results();
    lines.iter().filter(|line| of(line)).map(|line| line["value"].as_f64().unwrap()).collect()
}

const ZERO: &str = "name = \"z\"\nkind = \"zero-shot\"\n[[domain]]\nname = \"d\"\nfile = \"rows.csv\"\n\
                    [prepare]\ncolumns = \"zscore\"\n\
                    [classes]\nunseen = [\"c4\", \"c5\"]\n\
                    [descriptions]\nattributes = \"attributes.csv\"\n\
                    [[method]]\nname = \"chance\"\n[[method]]\nname = \"ridge-from-descriptions\"\n\
                    lambda = 0.01\n";

#[test]
fn classes_are_recognised_by_their_attributes() {
    let folder = with_classes();
    folder.write("plan.toml", ZERO);
    folder.experiment(&["plan.toml"]).success();
    assert_eq!(values(&folder, "chance", "accuracy"), [0.5]);
    assert_eq!(values(&folder, "ridge-from-descriptions", "accuracy"), [1.0]);
    for metric in ["seen", "unseen", "harmonic"] {
        assert_eq!(values(&folder, "ridge-from-descriptions", metric).len(), 1, "{metric}");
    }
    assert!(folder.read("out/report.html").contains("chance"));
}

#[test]
fn classes_and_descriptions_that_do_not_fit_are_named() {
    let folder = with_classes();
    let said = folder.complaint(&ZERO.replace("\"c5\"]", "\"c9\"]"));
    assert!(said.contains("`c9` is none of the classes c0, c1"), "{said}");
    let few = folder.read("attributes.csv").replace("2,1,c5\n", "");
    folder.write("attributes.csv", few);
    let said = folder.complaint(ZERO);
    assert!(said.contains("class `c5` has no description"), "{said}");
    let more = folder.read("attributes.csv") + "2,1,c5\n5,5,zebra\n";
    folder.write("attributes.csv", &more);
    let said = folder.complaint(ZERO);
    assert!(said.contains("the description `zebra` belongs to no class"), "{said}");
    folder.write("attributes.csv", more.replace("5,5,zebra\n", ""));
    let said = folder.complaint(&ZERO.replace("unseen = [\"c4\", \"c5\"]", "drawn = 3"));
    assert!(
        said.contains("plan.toml:8:") && said.contains("leaves 3; expected at least 4"),
        "{said}"
    );
}

#[test]
fn names_without_a_vector_offer_the_nearest_word() {
    let folder = with_classes();
    let words = "[descriptions]\ndataset = \"glove-en\"\n";
    let names = "names = [\"zero\", \"one\", \"two\", \"three\", \"four\", \"seventeeen\"]\n";
    let plan = ZERO
        .replace("[descriptions]\nattributes = \"attributes.csv\"\n", words)
        .replace("unseen = [\"c4\", \"c5\"]\n", &format!("{names}drawn = 2\n"));
    let said = folder.complaint(&plan);
    assert!(
        said.contains("class `seventeeen`: no vector for `seventeeen`; did you mean `seventeen`?"),
        "{said}"
    );
}

/// The two files of a benchmark, column by column as MATLAB stores them: six classes of four rows.
#[test]
fn benchmarks_are_read_as_they_are_published() {
    let folder = Folder::new();
    let (mut features, mut labels) = (Vec::new(), Vec::new());
    let mut attributes = Vec::new();
    for class in 0..6 {
        let (a, b) = (f64::from(class % 3), f64::from(class / 3));
        attributes.extend([a, b]);
        for item in 0..4 {
            features.extend([a + f64::from(item) / 50.0, b, a - b]);
            labels.push(f64::from(class + 1));
        }
    }
    folder.write("res101.mat", mat(&[("features", 3, 24, &features), ("labels", 24, 1, &labels)]));
    let numbers = |keep: fn(usize) -> bool| -> Vec<f64> {
        (0..24).filter(|&row| keep(row)).map(|row| f64::from(row as u8) + 1.0).collect()
    };
    let (train, seen) = (numbers(|r| r < 16 && r % 4 < 3), numbers(|r| r < 16 && r % 4 == 3));
    let unseen = numbers(|r| r >= 16);
    let splits = |unseen: &[f64]| {
        mat(&[
            ("att", 2, 6, &attributes),
            ("trainval_loc", train.len(), 1, &train),
            ("test_seen_loc", seen.len(), 1, &seen),
            ("test_unseen_loc", unseen.len(), 1, unseen),
        ])
    };
    folder.write("att_splits.mat", splits(&unseen));
    let plan = "name = \"b\"\nkind = \"zero-shot\"\n[benchmark]\nfeatures = \"res101.mat\"\n\
                splits = \"att_splits.mat\"\n[[method]]\nname = \"ridge-from-descriptions\"\nlambda = 0.001\n\
                [[method]]\nname = \"eszsl\"\n";
    folder.write("plan.toml", plan);
    folder.experiment(&["plan.toml"]).success();
    assert_eq!(values(&folder, "ridge-from-descriptions", "accuracy"), [1.0]);
    assert_eq!(values(&folder, "eszsl", "accuracy").len(), 1);
    folder.write("att_splits.mat", splits(&[17.0, 99.0]));
    let said = folder.complaint(plan);
    assert!(said.contains("`test_unseen_loc` holds 99: expected whole numbers, 1 to 24"), "{said}");
}

#[test]
fn few_shot_plans_draw_anew_with_each_seed() {
    let folder = with_classes();
    let plan = "name = \"f\"\nkind = \"few-shot\"\nseeds = [0, 1]\n\
                [[domain]]\nname = \"d\"\nfile = \"rows.csv\"\n\
                [task]\nnew = [\"c4\", \"c5\"]\nshots = [1, 5]\n\
                [[method]]\nname = \"target-only\"\n\
                [[method]]\nname = \"nearest-mean\"\nembedding = \"fisher\"\n\
                [[method]]\nname = \"discriminant\"\n";
    folder.write("plan.toml", plan);
    folder.experiment(&["plan.toml"]).success();
    for method in ["target-only", "nearest-mean", "discriminant"] {
        let found = values(&folder, method, "accuracy");
        assert_eq!(found.len(), 4, "{method}");
        assert!(found.iter().all(|&value| value >= 0.7), "{method}: {found:?}");
    }
    assert!(folder.read("out/report.html").contains("labelled rows per class"));
    let said = folder.complaint(&plan.replace("\"c5\"]", "\"c7\"]"));
    assert!(said.contains("plan.toml:7:") && said.contains("no class `c7`"), "{said}");
    let said = folder.complaint(&plan.replace("name = \"discriminant\"", "name = \"warm-start\""));
    assert!(said.contains("warm-start on classes that the source does not have"), "{said}");
    let said = folder.complaint(&plan.replace("shots = [1, 5]", "shots = [11]"));
    assert!(said.contains("shots: 11 a class, but some class has 10 rows"), "{said}");
}

#[test]
fn rankings_and_tasks_in_turn_are_measured() {
    let folder = with_classes();
    let domain = "[[domain]]\nname = \"d\"\nfile = \"rows.csv\"\n[prepare]\ncolumns = \"zscore\"\n";
    folder.write(
        "ranking.toml",
        format!(
            "name = \"r\"\nkind = \"ranking\"\n{domain}\
             [task]\ntargets = 1\ntarget_classes = 2\nshots = 4\nsources = 8\nsource_classes = 3\n\
             [[method]]\nname = \"random\"\n[[method]]\nname = \"logme\"\n[[method]]\nname = \"leep\"\n"
        ),
    );
    folder.experiment(&["ranking.toml"]).success();
    for metric in ["spearman", "kendall", "accuracy"] {
        assert_eq!(values(&folder, "logme", metric).len(), 1, "{metric}");
    }
    let continual = format!(
        "name = \"c\"\nkind = \"continual\"\nseeds = [0, 1]\n{domain}\
         [task]\ntasks = 3\ntrain_rows = 10\ntest_rows = 10\n\
         [[method]]\nname = \"none\"\n[[method]]\nname = \"mixture\"\n[[method]]\nname = \"joint\"\n\
         [[method]]\nname = \"embedding\"\ncomponents = 2\n"
    );
    folder.write("continual.toml", &continual);
    folder.experiment(&["continual.toml"]).success();
    let mean = |method| values(&folder, method, "accuracy").iter().sum::<f64>() / 2.0;
    assert!(mean("mixture") > mean("none") + 0.2 && mean("joint") >= mean("mixture") - 0.1);
    assert!(mean("embedding") > mean("none") + 0.1);
    let said = folder.complaint(&continual.replace("tasks = 3", "tasks = 3\nlabels = \"shared\""));
    assert!(said.contains("embedding keeps a Gaussian a label"), "{said}");
    let said = folder.complaint(&continual.replace("tasks = 3", "tasks = 4"));
    assert!(said.contains("4 tasks of two classes or more, but there are 6 classes"), "{said}");
}

/// Pairs of six classes: the attributes of a new pair tell its model, and labels improve it.
#[test]
fn new_pairs_of_classes_are_told_by_their_descriptions() {
    let folder = with_classes();
    let plan = "name = \"p\"\nkind = \"few-shot\"\nseeds = [0, 1, 2, 3]\n\
                [[domain]]\nname = \"d\"\nfile = \"rows.csv\"\n\
                [prepare]\ncolumns = \"zscore\"\n\
                [pairs]\nnew = 2\ncomponents = 2\nshots = [0, 1, 5]\ntest_rows = 10\n\
                [descriptions]\nattributes = \"attributes.csv\"\n\
                [[method]]\nname = \"target-only\"\n\
                [[method]]\nname = \"tadell\"\natoms = 4\nimprovement = [\"biased\", \"code\"]\n\
                [[method]]\nname = \"target-trained\"\n";
    folder.write("plan.toml", plan);
    folder.experiment(&["plan.toml"]).success();
    let mean = |method: &str, task: &str| {
        let of = |line: &serde_json::Value| line["method"] == method && line["task"] == task;
        let lines = folder.results();
        let found: Vec<f64> =
            lines.iter().filter(|l| of(l)).map(|l| l["value"].as_f64().unwrap()).collect();
        found.iter().sum::<f64>() / found.len() as f64
    };
    assert_eq!(mean("target-only", "0 a class"), 0.5);
    let (described, labelled) = (mean("tadell", "0 a class"), mean("tadell", "5 a class"));
    // Where two of three classes in a row meet, a difference of attributes does not say.
    assert!(described > 0.6 && labelled > described, "{described} {labelled}");
    assert!(mean("target-trained", "0 a class") > 0.9);
    let said = folder.complaint(&plan.replace("new = 2", "new = 4"));
    assert!(said.contains("plan.toml:9:") && said.contains("expected at least 3"), "{said}");
    let said =
        folder.complaint(&plan.replace("[descriptions]\nattributes = \"attributes.csv\"\n", ""));
    assert!(said.contains("a plan with [pairs] needs [descriptions]"), "{said}");
    let said = folder.complaint(&plan.replace("\"target-only\"", "\"warm-start\""));
    assert!(said.contains("with [pairs] the method"), "{said}");
    let said = folder.complaint(&plan.replace("[0, 1, 5]", "[0, 60]"));
    assert!(said.contains("14 rows to draw from"), "{said}");
}

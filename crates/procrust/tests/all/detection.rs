//! Boxes in pictures, from plans and files to results, reports and saved detectors.

use crate::common::Folder;
use assert_cmd::Command;
use procrust_datasets::{AnnotatedBox, AnnotatedPicture, AnnotatedPictures};
use procrust_images::Picture;
use serde_json::Value;

const PLACED: &str = "name = \"d\"\nkind = \"detection\"\n[pictures]\ndataset = \"mnist\"\ntrain = 4\ntest = 4\n\
                      [descriptor]\nname = \"hog-cells\"\ncell = 4\n\
                      [detector]\nwindow = 5\naspects = 1\nper_octave = 2\nrounds = 1\n\
                      [task]\npictures = [1, 4]\n\
                      [[method]]\nname = \"none\"\n[[method]]\nname = \"classifier\"\nrows = 100\n";

#[test]
fn a_plan_measures_and_shows_what_was_found() {
    let folder = Folder::new();
    folder.write("plan.toml", PLACED);
    folder.experiment(&["plan.toml"]).success();
    let lines = folder.results();
    assert_eq!(lines.len(), 2 * 2 * 2);
    for line in &lines {
        let [value, low, high] = ["value", "low", "high"].map(|key| line[key].as_f64().unwrap());
        assert!((0.0..=1.0).contains(&value) && low <= high, "{line}");
        assert_eq!((line["n"].as_u64(), line["kind"].as_str()), (Some(4), Some("detection")));
        assert!(line["fit_seconds"].as_f64().unwrap() > 0.0);
    }
    let of = |task: &str, metric: &str| {
        let found = lines.iter().filter(|line| line["task"] == task && line["metric"] == metric);
        found.map(|line| line["value"].as_f64().unwrap()).collect::<Vec<_>>()
    };
    // To be right at 0.5 is easier than at 0.5 to 0.95.
    for (ap50, ap) in of("4 pictures", "ap50").iter().zip(of("4 pictures", "ap")) {
        assert!(*ap50 >= ap);
    }
    let html = folder.read("out/report.html");
    for part in [
        "Precision by recall",
        "True and found boxes",
        "The worst",
        "data:image/jpeg;base64,",
        "annotated pictures",
    ] {
        assert!(html.contains(part), "{part}");
    }
    assert!(folder.read("out/report.md").contains("figures/1-d-found-1.svg"));
    // The same again, whatever the number of threads.
    let before = folder.read("out/results.jsonl");
    folder.experiment(&["plan.toml", "--threads", "1"]).success();
    let timeless = |text: &str| {
        let line = |line: &str| {
            let mut line: Value = serde_json::from_str(line).unwrap();
            line["fit_seconds"].take();
            line
        };
        text.lines().map(line).collect::<Vec<_>>()
    };
    assert_eq!(timeless(&before), timeless(&folder.read("out/results.jsonl")));
}

#[test]
fn mistakes_in_plans_are_named() {
    let folder = Folder::new();
    for (from, to, expected) in [
        (
            "dataset = \"mnist\"",
            "dataset = \"minst\"",
            "plan.toml:4:11: dataset `minst` is not known; did you mean `mnist`?",
        ),
        ("dataset = \"mnist\"\n", "", "expected one of `dataset`, `voc` and `coco`"),
        ("train = 4", "voc = \"x\"", "expected one of `dataset`, `voc` and `coco`"),
        ("[1, 4]", "[1, 5]", "pictures: 5, but there are 4 to train on"),
        ("[1, 4]", "[]", "pictures: the list is empty"),
        ("hog-cells", "hog-sells", "did you mean"),
        ("cell = 4", "cell = 100", "`cell` is 100: expected 2 to 64"),
        ("rows = 100", "rows = 9000", "rows: 9000, but 4000 digits are in no picture"),
        ("rounds = 1", "round = 1", "round"),
        ("train = 4", "objects = [3, 1]", "objects: expected two numbers"),
        ("window = 5", "window = 1", "a whole number, 2 or more"),
        ("\"classifier\"", "\"classfier\"", "did you mean"),
    ] {
        assert!(PLACED.contains(from), "{from}");
        let said = folder.complaint(&PLACED.replace(from, to));
        assert!(said.contains(expected), "{to}: {said}");
    }
}

/// Eight pictures with a bright square each, in VOC's layout, and two lists.
fn with_squares() -> Folder {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("images")).unwrap();
    let mut pictures = Vec::new();
    for at in 0..8_usize {
        let (left, top, side) = (10 + 9 * at, 40 - 4 * at, 24 + 2 * at);
        let pixels = (0..120 * 90).flat_map(|pixel| {
            let (x, y) = (pixel % 120, pixel / 120);
            let inside = (left..left + side).contains(&x) && (top..top + side).contains(&y);
            [if inside { 210 } else { (60 + (x * 7 + y * y) % 30) as u8 }; 3]
        });
        let picture = Picture::from_rgb(120, 90, pixels.collect()).unwrap();
        folder.write(&format!("images/s{at}.jpg"), picture.to_jpeg(90).unwrap());
        let [x, y, side] = [left, top, side].map(|pixels| pixels as f64);
        let square = AnnotatedBox::new(0, x, y, x + side, y + side);
        let path = folder.path().join(format!("images/s{at}.jpg"));
        pictures.push(AnnotatedPicture::new(path, (120, 90), vec![square]));
    }
    let all = AnnotatedPictures::new(vec!["square".into()], pictures);
    all.write_voc(folder.path().join("annotations")).unwrap();
    all.write_coco(folder.path().join("boxes.json")).unwrap();
    folder.write("train.txt", "s0\ns2\ns3\ns4\ns6\n");
    folder.write("test.txt", "s1\ns5\ns7\n");
    folder
}

fn procrust(folder: &Folder, arguments: &[&str]) -> assert_cmd::assert::Assert {
    let mut command = Command::cargo_bin("procrust").expect("the program is built");
    command.current_dir(folder.path()).args(arguments).assert()
}

fn said(assert: &assert_cmd::assert::Assert) -> String {
    let output = assert.get_output();
    String::from_utf8([output.stdout.clone(), output.stderr.clone()].concat()).unwrap()
}

const TRAIN: [&str; 10] = [
    "--out",
    "m.safetensors",
    "--window",
    "4",
    "--aspects",
    "1",
    "--per-octave",
    "3",
    "--rounds",
    "1",
];

#[test]
fn detectors_are_trained_saved_and_used() {
    let folder = with_squares();
    let mut arguments = vec!["detect-train", ".", "--train", "train.txt", "--test", "test.txt"];
    arguments.extend(TRAIN);
    let told = said(&procrust(&folder, &arguments).success());
    let ap50 = told.lines().find(|line| line.starts_with("AP50 ")).unwrap();
    let value: f64 = ap50.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert!(value > 0.9, "{told}");

    folder.write("images/broken.jpg", b"\xff\xd8\xff\xe0 not much");
    let detected = procrust(&folder, &["detect", "m.safetensors", "images", "--out", "found"]);
    let told = said(&detected.code(1));
    assert!(told.contains("skipped images/broken.jpg: "), "{told}");
    let found: Value = serde_json::from_str(&folder.read("found/boxes.json")).unwrap();
    assert_eq!(found["pictures"].as_array().unwrap().len(), 8);
    assert_eq!(found["skipped"][0]["file"], "images/broken.jpg");
    let best = &found["pictures"][1]["boxes"][0];
    let edge = |key: &str| best[key].as_f64().unwrap();
    assert!((edge("left") - 19.0).abs() < 8.0 && (edge("bottom") - 62.0).abs() < 8.0, "{best}");
    assert_eq!(best["class"], "square");
    assert!(folder.path().join("found/annotated/s1.jpg.jpg").is_file());
    std::fs::remove_file(folder.path().join("images/broken.jpg")).unwrap();
    let json =
        procrust(&folder, &["detect", "m.safetensors", "images", "--out", "f", "--json"]).success();
    assert!(serde_json::from_slice::<Value>(&json.get_output().stdout).is_ok());

    // The same pictures by COCO's file.
    let mut arguments = vec!["detect-train", "boxes.json", "--images", "images"];
    arguments.extend(TRAIN);
    procrust(&folder, &arguments).success();

    folder.write("not.safetensors", "nothing");
    let told =
        said(&procrust(&folder, &["detect", "not.safetensors", "images", "--out", "f"]).code(1));
    assert!(told.contains("not.safetensors") && told.contains("not a safetensors file"), "{told}");
}

#[test]
fn folders_in_plans() {
    let folder = with_squares();
    let plan = "name = \"v\"\nkind = \"detection\"\n[pictures]\nvoc = \".\"\ntrain = \"train.txt\"\n\
                test = \"test.txt\"\n[detector]\nwindow = 4\naspects = 1\nper_octave = 3\nrounds = 1\n\
                [task]\npictures = [3, \"all\"]\n[[method]]\nname = \"none\"\n";
    folder.write("plan.toml", plan);
    folder.experiment(&["plan.toml"]).success();
    let all = folder.results();
    let best = all.iter().find(|l| l["task"] == "all pictures" && l["metric"] == "ap50").unwrap();
    assert!(best["value"].as_f64().unwrap() > 0.9, "{best}");
    let coco = plan.replace("voc = \".\"", "coco = \"boxes.json\"\nimages = \"images\"");
    folder.write("plan.toml", coco);
    folder.experiment(&["plan.toml"]).success();

    let told = folder.complaint(&plan.replace("\"none\"", "\"classifier\""));
    assert!(told.contains("plan.toml:14") && told.contains("needs the digits"), "{told}");
    let told = folder.complaint(&plan.replace("test = \"test.txt\"", "test = \"train.txt\""));
    assert!(told.contains("s0.jpg is in both lists"), "{told}");
    let told = folder.complaint(&plan.replace("test.txt", "tset.txt"));
    assert!(told.contains("plan.toml:6") && told.contains("cannot open"), "{told}");
    let told = folder.complaint(&plan.replace("[detector]", "classes = [\"sqare\"]\n[detector]"));
    assert!(told.contains("line 11: `square` is none of the classes sqare"), "{told}");
    folder.write("train.txt", "\n");
    assert!(folder.complaint(plan).contains("expected the names of pictures"));
    folder.write("train.txt", "s0\n");
    // A picture that is not as the annotation says fails the runs, with its file.
    let small = Picture::from_rgb(60, 90, vec![1; 16_200]).unwrap();
    folder.write("images/s0.jpg", small.to_jpeg(90).unwrap());
    folder.write("plan.toml", plan.replace("[3, \"all\"]", "[\"all\"]"));
    folder.experiment(&["plan.toml"]).code(1);
    let error = folder.results()[0]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("has 60 × 90 pixels, the annotation says 120 × 90"), "{error}");
}

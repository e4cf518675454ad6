//! `procrust features`.

use std::sync::atomic::Ordering;

use crate::common::Folder;
use assert_cmd::Command;
use procrust_datasets::{TableOptions, read_table};
use procrust_experiment::{FeatureExtraction, FeaturesError};

fn features(folder: &Folder, arguments: &[&str]) -> assert_cmd::assert::Assert {
    let mut command = Command::cargo_bin("procrust").expect("the program is built");
    command.current_dir(folder.path()).arg("features").args(arguments).assert()
}

/// A picture of 24 × 16 pixels in a format that can be written by hand.
fn ppm(seed: u8) -> Vec<u8> {
    let mut bytes = b"P6\n24 16\n255\n".to_vec();
    bytes.extend((0..24 * 16 * 3_u32).map(|at| (at * at / 7 + u32::from(seed) * at) as u8));
    bytes
}

/// Two classes of three pictures each, and three files that are none.
fn photographs() -> Folder {
    let folder = Folder::new();
    for (class, first) in [("cat", 0), ("dog", 3)] {
        std::fs::create_dir_all(folder.path().join("in").join(class)).unwrap();
        for at in first..first + 3 {
            folder.write(&format!("in/{class}/{at}.ppm"), ppm(at));
        }
    }
    folder.write("in/cat/empty.png", "");
    folder.write("in/dog/cut.ppm", &ppm(9)[..400]);
    folder.write("in/dog/text.jpg", "no picture at all");
    folder
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What stands in the folder, hidden files too.
fn listed(folder: &Folder) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path()).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_folder_becomes_a_matrix() {
    let folder = photographs();
    let done = features(&folder, &["in", "out.npy", "--descriptor", "hog(size=16,cell=4)+lbp"]);
    let output = done.success().get_output().clone();
    let said = text(&output.stdout);
    assert!(
        said.starts_with("out.npy: 6 pictures × 334, 2 classes, hog(size=16,cell=4,"),
        "{said}"
    );
    assert!(said.contains("pictures/s; 3 skipped"), "{said}");
    assert!(text(&output.stderr).contains("skipped cat/empty.png: the file is empty"));

    let names = "cat/0.ppm\ncat/1.ppm\ncat/2.ppm\ndog/3.ppm\ndog/4.ppm\ndog/5.ppm\n";
    assert_eq!(folder.read("out.names.txt"), names);
    assert_eq!(folder.read("out.labels.txt"), "cat\ncat\ncat\ndog\ndog\ndog\n");
    let skipped = folder.read("out.skipped.tsv");
    let skipped: Vec<&str> = skipped.lines().map(|line| line.split('\t').next().unwrap()).collect();
    assert_eq!(skipped, ["cat/empty.png", "dog/cut.ppm", "dog/text.jpg"]);
    let found = ["in", "out.labels.txt", "out.names.txt", "out.npy", "out.skipped.tsv"];
    assert_eq!(listed(&folder), found, "nothing else is left");

    // What a plan reads: rows and labels.
    let options = TableOptions { labels: Some("out.labels.txt".into()), ..Default::default() };
    let table = read_table(folder.path().join("out.npy"), &options).unwrap();
    assert_eq!(table.features.dim(), (6, 334));
    assert_eq!(table.labels.unwrap(), ["cat", "cat", "cat", "dog", "dog", "dog"]);
    // The last ten are a histogram of local binary patterns.
    for row in table.features.rows() {
        assert!((row.iter().skip(324).sum::<f32>() - 1.0).abs() < 1e-5);
    }
    let other = features(&folder, &["in", "b.npy", "--descriptor", "lbp", "--threads", "1"]);
    other.success();
    let lbp = read_table(folder.path().join("b.npy"), &TableOptions::default()).unwrap().features;
    assert_eq!(lbp, table.features.slice(ndarray::s![.., 324..]));
}

/// A list may name files anywhere and labels of its own; without any label there is no file of labels, and one
/// of an earlier run goes.
#[test]
fn a_list_becomes_a_matrix() {
    let folder = photographs();
    folder.write("list.txt", "in/dog/5.ppm,second\nin/cat/0.ppm,first\nin/cat/1.ppm\n");
    let output = features(&folder, &["list.txt", "out.npy", "--descriptor", "color", "--json"]);
    let output = output.success().get_output().clone();
    let said: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["pictures"], 3);
    assert_eq!(said["dimensions"], 512);
    assert_eq!(said["classes"], 2);
    assert_eq!(said["unlabelled"], 1);
    assert_eq!(said["descriptor"], "color(space=rgb,bins=8x8x8)");
    assert_eq!(said["skipped"], serde_json::Value::Null);
    assert_eq!(folder.read("out.labels.txt"), "second\nfirst\n\n");
    assert!(text(&output.stderr).contains("1 pictures have no label"));

    folder.write("list.txt", "in/dog/5.ppm\ngone.ppm\n");
    features(&folder, &["list.txt", "out.npy", "--descriptor", "color"]).success();
    assert_eq!(folder.read("out.names.txt"), "in/dog/5.ppm\n");
    assert!(folder.read("out.skipped.tsv").starts_with("gone.ppm\tcannot read the file: "));
    assert!(!folder.path().join("out.labels.txt").exists());
}

#[test]
fn an_array_becomes_a_matrix() {
    let folder = Folder::new();
    let idx = |kind: &[u8], axes: &[u32], values: &[u8]| {
        let axes: Vec<u8> = axes.iter().flat_map(|axis| axis.to_be_bytes()).collect();
        [kind, &axes, values].concat()
    };
    let pixels: Vec<u8> = (0..3 * 4 * 4).collect();
    folder.write("x-ubyte", idx(&[0, 0, 8, 3], &[3, 4, 4], &pixels));
    folder.write("y-ubyte", idx(&[0, 0, 8, 1], &[3], &[7, 7, 9]));
    let arguments = ["x-ubyte", "out.npy", "--descriptor", "pixels(size=4)", "--labels", "y-ubyte"];
    features(&folder, &arguments).success();
    assert_eq!(folder.read("out.labels.txt"), "7\n7\n9\n");
    assert_eq!(folder.read("out.names.txt"), "0\n1\n2\n");
    let rows = read_table(folder.path().join("out.npy"), &TableOptions::default()).unwrap();
    let expected: Vec<f32> = pixels.iter().map(|&level| f32::from(level) / 255.0).collect();
    assert_eq!(rows.features.into_raw_vec_and_offset().0, expected);
    // A list of numbers is no picture.
    let said = features(&folder, &["y-ubyte", "b.npy", "--descriptor", "lbp"]).code(1);
    assert!(text(&said.get_output().stderr).contains("an array of three axes"));
}

/// The network that ships, and another by its file.
#[test]
fn networks_describe() {
    let folder = photographs();
    let deep = "efficientnet-lite0(framing=whole,size=64)";
    let done = features(&folder, &["in", "deep.npy", "--descriptor", deep]).success();
    let said = text(&done.get_output().stdout);
    assert!(said.contains("6 pictures × 1280, 2 classes, efficientnet-lite0("), "{said}");

    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/../images/tests/models/");
    for file in ["nchw.onnx", "nchw.toml"] {
        std::fs::copy(format!("{models}{file}"), folder.path().join(file)).unwrap();
    }
    let done = features(&folder, &["in", "net.npy", "--descriptor", "pixels(size=2)+nchw.onnx"]);
    let said = text(&done.success().get_output().stdout);
    assert!(said.contains("6 pictures × "), "{said}");
    let rows = |file: &str| {
        read_table(folder.path().join(file), &TableOptions::default()).unwrap().features
    };
    assert!(rows("net.npy").ncols() > 4);
    assert!(rows("deep.npy").rows().into_iter().all(|row| row.iter().any(|&x| x > 0.0)));
    let said = features(&folder, &["in", "no.npy", "--descriptor", "none.onnx"]).code(1);
    assert!(text(&said.get_output().stderr).contains("none.toml"));
}

/// Visual words are learned once and then read.
#[test]
fn bags_of_words() {
    let folder = photographs();
    let bow = "bow(words=8,size=32,step=4,cells=2)";
    let first = ["in", "a.npy", "--descriptor", bow, "--vocabulary", "words.safetensors"];
    features(&folder, &first).success();
    let learned = std::fs::read(folder.path().join("words.safetensors")).unwrap();
    let again = ["in", "b.npy", "--descriptor", "lbp+bow", "--vocabulary", "words.safetensors"];
    features(&folder, &again).success();
    assert_eq!(std::fs::read(folder.path().join("words.safetensors")).unwrap(), learned);
    let rows = |file: &str| {
        read_table(folder.path().join(file), &TableOptions::default()).unwrap().features
    };
    let (a, b) = (rows("a.npy"), rows("b.npy"));
    assert_eq!((a.dim(), b.dim()), ((6, 8), (6, 18)));
    assert_eq!(a, b.slice(ndarray::s![.., 10..]));
    for row in a.rows() {
        assert!((row.dot(&row) - 1.0).abs() < 1e-5);
    }

    let said = |descriptor: &str, more: &[&str]| {
        let arguments = [&["in", "c.npy", "--descriptor", descriptor], more].concat();
        text(&features(&folder, &arguments).code(1).get_output().stderr.clone())
    };
    assert!(said("bow", &[]).contains("`bow` needs --vocabulary FILE"));
    assert!(
        said("lbp", &["--vocabulary", "words.safetensors"]).contains("goes with the descriptor")
    );
    let other = said("bow(words=9)", &["--vocabulary", "words.safetensors"]);
    assert!(other.contains("words=8,size=32,step=4,cells=2"), "{other}");
    let broken = said("bow", &["--vocabulary", "in/cat/0.ppm"]);
    assert!(broken.contains("0.ppm") && broken.contains("visual words"), "{broken}");
}

#[test]
fn what_cannot_be_done_leaves_nothing_behind() {
    let folder = photographs();
    folder.write("one.ppm", ppm(1));
    std::fs::create_dir(folder.path().join("none")).unwrap();
    std::fs::create_dir(folder.path().join("taken.npy")).unwrap();
    folder.write("none/bad.png", "bad");
    let before = listed(&folder);
    let said = |arguments: &[&str]| {
        text(&features(&folder, arguments).code(1).get_output().stderr.clone())
    };
    let error = said(&["in", "out.npy", "--descriptor", "hgo"]);
    assert_eq!(
        error,
        "error: descriptor `hgo`: expected one of pixels, hog, hog-opencv, lbp, color, gist, \
         efficientnet-lite0, or a network's file that ends in .onnx\n"
    );
    let error = said(&["none", "out.npy", "--descriptor", "lbp"]);
    assert!(error.contains("found none that can be described; 1 skipped, the first is bad.png"));
    assert!(said(&["gone", "out.npy", "--descriptor", "lbp"]).contains("cannot use gone"));
    assert!(said(&["in", "gone/out.npy", "--descriptor", "lbp"]).contains("gone/out.npy"));
    assert!(said(&["in", "taken.npy", "--descriptor", "lbp"]).contains("the name of a file"));
    assert!(said(&["one.ppm", "out.npy", "--descriptor", "lbp"]).contains("one.ppm is a picture"));
    let error = said(&["in", "out.npy", "--descriptor", "lbp", "--labels", "l.txt"]);
    assert!(error.contains("labels go with an array"));
    features(&folder, &["in", "out.npy"]).code(2);
    let mut after = listed(&folder);
    after.retain(|name| !name.ends_with(".rows"));
    assert_eq!(after, before);
}

/// Work that was ended goes on from the rows that were kept.
#[test]
fn ended_work_goes_on() {
    let folder = photographs();
    let mut extraction = FeatureExtraction::default();
    extraction.from = folder.path().join("in");
    extraction.to = folder.path().join("out.npy");
    extraction.descriptor = "lbp".into();
    extraction.stop.store(true, Ordering::Relaxed);
    let Err(FeaturesError::Interrupted { done, all: 9 }) = extraction.run() else {
        panic!("it was told to stop")
    };
    assert!((1..9).contains(&done), "{done}");
    assert!(!extraction.to.exists());
    extraction.stop.store(false, Ordering::Relaxed);
    let finished = extraction.run().unwrap();
    assert!((1..=done).contains(&finished.cached), "{} of {done}", finished.cached);
    let resumed = std::fs::read(&extraction.to).unwrap();
    assert_eq!(extraction.run().unwrap().cached, 0, "the hidden cache is gone");
    assert_eq!(std::fs::read(&extraction.to).unwrap(), resumed);

    // A cache of one's own stays, and serves other files too.
    extraction.cache = Some(folder.path().join("cache"));
    extraction.run().unwrap();
    extraction.to = folder.path().join("other.npy");
    assert_eq!(extraction.run().unwrap().cached, 6);
    assert_eq!(std::fs::read(&extraction.to).unwrap(), resumed);
}

/// Ctrl-C: status 130, no matrix, and the same command goes on.
#[cfg(unix)]
#[test]
fn interrupts_are_heard() {
    use std::{process::Stdio, time::Duration};
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    for at in 0..150 {
        folder.write(&format!("in/{at}.ppm"), ppm(at));
    }
    let arguments =
        ["features", "in", "out.npy", "--descriptor", "hog(size=512,cell=64)", "--threads", "1"];
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("procrust"))
        .current_dir(folder.path())
        .args(arguments)
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let cache = folder.path().join(".out.npy.rows");
    let rows = || -> u64 {
        let entries = std::fs::read_dir(&cache).into_iter().flatten().flatten();
        entries.filter_map(|entry| Some(entry.metadata().ok()?.len())).sum()
    };
    while rows() < 15_000 && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!folder.path().join("out.npy").exists());
    let mut command = Command::cargo_bin("procrust").expect("the program is built");
    let output = command.current_dir(folder.path()).args(arguments).arg("--json").assert();
    let said: serde_json::Value =
        serde_json::from_slice(&output.success().get_output().stdout).unwrap();
    assert!(said["cached"].as_u64().unwrap() >= 1, "{said}");
    assert_eq!(said["pictures"], 150);
}

//! `procrust convert`.

use crate::common::Folder;
use assert_cmd::Command;
use procrust_words::{Embeddings, OpenOptions};

fn convert(folder: &Folder, arguments: &[&str]) -> assert_cmd::assert::Assert {
    let mut command = Command::cargo_bin("procrust").expect("the program is built");
    command.current_dir(folder.path()).arg("convert").args(arguments).assert()
}

fn open(folder: &Folder, file: &str) -> (Vec<String>, Vec<u32>) {
    let found = Embeddings::open(folder.path().join(file), &OpenOptions::default()).unwrap();
    let (words, vectors) = found.into_parts();
    (words, vectors.iter().map(|value| value.to_bits()).collect())
}

/// 9,000 words of 3 dimensions: several chunks.
fn many() -> String {
    (0..9000)
        .map(|i| format!("w{i} {} {} {}\n", 0.1 + f64::from(i % 97), f64::from(i) / 7.0, -1.5))
        .collect()
}

#[test]
fn every_format_leads_to_every_other() {
    let folder = Folder::new();
    folder.write("a.txt", many());
    let expected = open(&folder, "a.txt");
    let files = ["b.vec", "c.bin.gz", "d.fifu", "e.npy", "f.safetensors", "g.vec.zst", "h.txt"];
    let mut from = "a.txt";
    for to in files {
        convert(&folder, &[from, to]).success();
        assert_eq!(open(&folder, to), expected, "{from} to {to}");
        from = to;
    }
    assert!(folder.read("b.vec").starts_with("9000 3\nw0 "));
    convert(&folder, &["b.vec", "i.txt", "--no-header", "--limit", "2"]).success();
    assert_eq!(folder.read("i.txt").lines().count(), 2);
}

/// Norms of finalfusion go along, from a compressed file too, bit for bit.
#[test]
fn norms_are_kept() {
    let folder = Folder::new();
    folder.write("a.txt", "x 1 2\ny 3 4\n");
    convert(&folder, &["a.txt", "a.fifu"]).success();
    let mut options = OpenOptions::default();
    options.map = true;
    // Unit vectors and norms, as finalfusion writes them.
    let mut bytes = std::fs::read(folder.path().join("a.fifu")).unwrap();
    bytes[8..16].copy_from_slice(&[3, 0, 0, 0, 1, 0, 0, 0]);
    bytes.splice(20..20, 6_u32.to_le_bytes());
    bytes.extend([6, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0]);
    bytes.extend(vec![0; 4 - bytes.len() % 4]);
    bytes.extend([2.0_f32, 0.5].iter().flat_map(|norm| norm.to_le_bytes()));
    std::fs::write(folder.path().join("norms.fifu"), &bytes).unwrap();
    let all = Embeddings::open(folder.path().join("norms.fifu"), &options).unwrap();
    assert_eq!(all.norms(), Some(&[2.0, 0.5][..]));

    convert(&folder, &["norms.fifu", "b.fifu"]).success();
    let found = Embeddings::open(folder.path().join("b.fifu"), &options).unwrap();
    assert_eq!((found.norms(), found.vectors()), (all.norms(), all.vectors()));
    convert(&folder, &["norms.fifu", "b.npy"]).success();
    let values = open(&folder, "b.npy").1;
    assert_eq!(values, [2.0_f32, 4.0, 1.5, 2.0].map(f32::to_bits));
}

#[test]
fn rows_are_prepared_as_in_plans() {
    let folder = Folder::new();
    folder.write("a.txt", many());
    for from in ["a.txt", "a.npy", "a.safetensors", "a.fifu"] {
        if from != "a.txt" {
            convert(&folder, &["a.txt", from]).success();
        }
        let output = convert(&folder, &[from, "b.bin", "--rows", "unit,center,unit", "--json"]);
        let output = output.success().get_output().stdout.clone();
        let said: serde_json::Value = serde_json::from_slice(&output).unwrap();
        assert_eq!((&said["words"], &said["dim"]), (&9000.into(), &3.into()));
        let all = Embeddings::open(folder.path().join("a.txt"), &OpenOptions::default()).unwrap();
        let mut rows = all.into_parts().1;
        let steps: Vec<_> = ["unit", "center", "unit"].map(|step| step.parse().unwrap()).into();
        procrust_align::prepare_rows(&mut rows, &steps);
        let expected: Vec<u32> = rows.iter().map(|value| value.to_bits()).collect();
        assert_eq!(open(&folder, "b.bin").1, expected);
    }
}

#[test]
fn what_cannot_be_converted_leaves_nothing_behind() {
    let folder = Folder::new();
    folder.write("a.txt", "x 1 2\ny 3\n");
    let said = |arguments: &[&str]| {
        let output = convert(&folder, arguments).code(1).get_output().stderr.clone();
        String::from_utf8(output).unwrap()
    };
    assert!(said(&["a.txt", "b.bin"]).contains("a.txt:2: expected 2 values, found 1"));
    assert!(said(&["a.txt", "b.xyz"]).contains("b.xyz"));
    assert!(said(&["gone.txt", "b.bin"]).contains("gone.txt"));
    assert!(said(&["a.txt", "./a.txt"]).contains("is the file that is read"));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");

    let output = convert(&folder, &["a.txt", "b.bin", "--policy", "skip"]).success();
    let output = output.get_output();
    assert!(String::from_utf8_lossy(&output.stderr).contains("line 2 `y 3`"));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 rows left out"));
    assert_eq!(open(&folder, "b.bin").0, ["x"]);
    convert(&folder, &["a.txt", "b.bin", "--rows", "unit,centre"]).code(2);
}

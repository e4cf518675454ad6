//! A folder with small data and plans in it, and the program run in it.
#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};

use assert_cmd::Command;

pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder can be made"))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, file: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(file);
        std::fs::write(&path, content).expect("the temporary folder can be written");
        path
    }

    pub(crate) fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.path().join(file)).expect("the program wrote this file")
    }

    /// `procrust experiment ARGUMENTS --out out`, in this folder.
    pub(crate) fn experiment(&self, arguments: &[&str]) -> assert_cmd::assert::Assert {
        let mut command = Command::cargo_bin("procrust").expect("the program is built");
        command.current_dir(self.0.path());
        command.arg("experiment").args(arguments).args(["--out", "out"]).assert()
    }

    /// Runs a plan that must fail with status 1, and gives what it said on stderr.
    pub(crate) fn complaint(&self, plan: &str) -> String {
        self.write("plan.toml", plan);
        let output = self.experiment(&["plan.toml"]).code(1).get_output().clone();
        String::from_utf8(output.stderr).expect("messages are UTF-8")
    }

    /// The lines of `results.jsonl`.
    pub(crate) fn results(&self) -> Vec<serde_json::Value> {
        let text = self.read("out/results.jsonl");
        text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
    }

    /// Two domains of 40 rows and two classes, the second turned by a right angle.
    pub(crate) fn with_domains() -> Self {
        let folder = Self::new();
        for (name, turned) in [("a", false), ("b", true)] {
            let mut text = "x,y,label\n".to_owned();
            for i in 0..40 {
                let (class, jitter) = (i % 2, f64::from(i) / 20.0);
                let (x, y) = (4.0 * f64::from(class) + jitter, jitter * jitter);
                let (x, y) = if turned { (y, x) } else { (x, y) };
                text.push_str(&format!("{x},{y},c{class}\n"));
            }
            folder.write(&format!("{name}.csv"), text);
        }
        folder
    }
}

/// A plan on the two domains of [`Folder::with_domains`], with more lines at its end.
pub(crate) fn plan(more: &str) -> String {
    format!(
        "name = \"test\"\nkind = \"adaptation\"\n\
         [[domain]]\nname = \"a\"\nfile = \"a.csv\"\n\
         [[domain]]\nname = \"b\"\nfile = \"b.csv\"\n\
         [[classifier]]\nname = \"knn\"\n\
         [[method]]\nname = \"none\"\n{more}"
    )
}

/// A plan on files whose names and keys are given as they are.
pub(crate) fn plan_with_first_domain(domain: &str) -> String {
    plan("").replacen("file = \"a.csv\"", domain, 1)
}

/// A MATLAB v5 file with one double matrix a variable, in column order.
pub(crate) fn mat(variables: &[(&str, usize, usize, &[f64])]) -> Vec<u8> {
    let mut file = vec![b' '; 124];
    file[..6].copy_from_slice(b"MATLAB");
    file.extend(0x0100_u16.to_le_bytes());
    file.extend(b"IM");
    for &(name, rows, columns, values) in variables {
        let element = |kind: u32, bytes: &[u8]| {
            let mut out = kind.to_le_bytes().to_vec();
            out.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
            out.extend(bytes);
            out.resize(out.len().next_multiple_of(8), 0);
            out
        };
        let dims = [rows, columns].map(|n| u32::try_from(n).unwrap().to_le_bytes()).concat();
        let mut body = element(6, &[6, 0, 0, 0, 0, 0, 0, 0]); // flags: class double
        body.extend(element(5, &dims));
        body.extend(element(1, name.as_bytes()));
        body.extend(element(9, &values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>()));
        file.extend(14_u32.to_le_bytes());
        file.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
        file.extend(body);
    }
    file
}

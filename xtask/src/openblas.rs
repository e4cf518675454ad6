//! Is OpenBLAS there? The surest answer: link a small program with it and run that.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
};

use anyhow::{Context, Result};

/// What came of the small program.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Probe {
    /// It links and runs.
    Works,
    /// It does not link.
    Missing { said: String },
    /// It links, but does not run.
    NotLoaded { said: String },
    /// rustc found nothing to link with.
    NoLinker,
}

/// Calls OpenBLAS itself and mentions one routine of LAPACK, which some builds leave out.
const PROGRAM: &str = r#"
#[link(name = "openblas")]
unsafe extern "C" {
    safe fn openblas_get_num_threads() -> i32;
    safe fn dsyevd_();
}
fn main() {
    std::hint::black_box(dsyevd_ as *const ());
    assert!(openblas_get_num_threads() > 0);
}
"#;

/// Links a small program with OpenBLAS, in the folders where `procrust-blas` looks, and runs it.
pub(crate) fn probe() -> Result<Probe> {
    let folder = Folder::new()?;
    let (source, program) = (folder.0.join("probe.rs"), folder.0.join("probe"));
    fs::write(&source, PROGRAM).with_context(|| format!("cannot write {}", source.display()))?;
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.args(["--edition", "2024", "-o"]).arg(&program).arg(&source).current_dir(&folder.0);
    if let Some(library) = library_folder() {
        rustc.arg("-L").arg(format!("native={}", library.display()));
    }
    let built = rustc.stdin(Stdio::null()).output().context("cannot start rustc")?;
    if !built.status.success() {
        return Ok(judge(&String::from_utf8_lossy(&built.stderr)));
    }
    let ran = Command::new(&program).stdin(Stdio::null()).output();
    let ran = ran.with_context(|| format!("cannot start {}", program.display()))?;
    if ran.status.success() {
        return Ok(Probe::Works);
    }
    let said = String::from_utf8_lossy(&ran.stderr);
    Ok(Probe::NotLoaded { said: said.lines().next().unwrap_or_default().to_owned() })
}

/// Why rustc failed.
fn judge(said: &str) -> Probe {
    if said.contains("linker `") && said.contains("` not found") {
        return Probe::NoLinker;
    }
    let telling = ["openblas", "dsyevd_"];
    let line = said.lines().rev().find(|line| {
        // The long line with the whole command to the linker tells nothing.
        line.len() < 300 && telling.iter().any(|word| line.contains(word))
    });
    let line = line.or_else(|| said.lines().next()).unwrap_or_default();
    Probe::Missing { said: line.trim().trim_start_matches("= note: ").to_owned() }
}

/// Where to look besides the linker's own folders; `crates/blas/build.rs` does the same.
fn library_folder() -> Option<PathBuf> {
    if let Some(folder) = env::var_os("OPENBLAS_LIB_DIR") {
        // The probe is linked in another folder.
        return std::path::absolute(folder).ok();
    }
    if !cfg!(target_os = "macos") {
        return None;
    }
    let brew = Command::new("brew").args(["--prefix", "openblas"]).output().ok()?;
    let prefix = String::from_utf8(brew.stdout).ok()?;
    brew.status.success().then(|| Path::new(prefix.trim()).join("lib"))
}

/// A temporary folder that goes when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self> {
        // Numbered: tests probe from several threads of one process.
        let parent = env::temp_dir();
        let mut number = 0_u32;
        loop {
            let path = parent.join(format!("procrust-setup-{}-{number}", process::id()));
            match fs::create_dir(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => {
                    let message = format!("cannot make a folder in {}", parent.display());
                    return Err(error).context(message);
                }
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder left in the system's place for such things harms nobody.
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_is_told_from_a_missing_linker() {
        let said = "error: linking with `cc` failed: exit status: 1\n  |\n  \
                    = note: /usr/bin/ld: cannot find -lopenblas: No such file or directory\n";
        let expected = "/usr/bin/ld: cannot find -lopenblas: No such file or directory";
        assert_eq!(judge(said), Probe::Missing { said: expected.into() });
        let said = "error: linker `cc` not found\n  |\n  = note: No such file or directory";
        assert_eq!(judge(said), Probe::NoLinker);
    }

    #[test]
    fn an_openblas_without_lapack_is_missing() {
        let said = "error: linking failed\n = note: probe.rs: undefined reference to `dsyevd_'\n";
        let expected = "probe.rs: undefined reference to `dsyevd_'";
        assert_eq!(judge(said), Probe::Missing { said: expected.into() });
    }

    #[test]
    fn folders_differ_and_go() {
        let (a, b) = (Folder::new().unwrap(), Folder::new().unwrap());
        assert_ne!(a.0, b.0);
        let path = a.0.clone();
        drop(a);
        assert!(!path.exists());
    }
}

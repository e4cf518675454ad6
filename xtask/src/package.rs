//! `cargo xtask package`: what would be published, built and weighed.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, bail};

use crate::{
    cargo::{cargo, root, step},
    setup,
};

pub(crate) const HELP: &str = "\
Pack every crate as for publishing, build each from its package, and check the sizes.

Usage: cargo xtask package [--no-install]

Uncommitted changes are packed too. A package of more than 10 MB is an error: the registry takes no
more.

  --no-install  do not install OpenBLAS; so does PROCRUST_NO_INSTALL=1
";

/// The most that a package may weigh, in bytes.
const LIMIT: u64 = 10_000_000;

/// The task.
pub(crate) fn run(install: bool) -> Result<ExitCode> {
    setup::ensure(install)?;
    // Everything anew: of packages that changed under the same version cargo would take the old ones.
    let target = target_folder()?.join("publish");
    if target.exists() {
        fs::remove_dir_all(&target)
            .with_context(|| format!("cannot remove {}", target.display()))?;
    }
    let folder = target.join("package");
    forget_unpacked()?;
    let mut command = cargo("package");
    command.args(["--workspace", "--exclude", "xtask", "--exclude", "procrust-benches"]);
    command.args(["--locked", "--allow-dirty", "--target-dir"]).arg(&target);
    if !step(&mut command)? {
        return Ok(ExitCode::FAILURE);
    }
    let made = packages(&folder)?;
    let expected = fs::read_dir(root().join("crates")).context("cannot read crates/")?.count();
    if made.len() != expected {
        bail!("expected {expected} packages in {}, found {}", folder.display(), made.len());
    }
    let mut too_large = Vec::new();
    for path in made {
        let size =
            fs::metadata(&path).with_context(|| format!("cannot read {}", path.display()))?.len();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        println!("{name:<40} {size:>10} bytes");
        if size > LIMIT {
            too_large.push(name);
        }
    }
    if !too_large.is_empty() {
        bail!("more than {LIMIT} bytes: {}", too_large.join(", "));
    }
    Ok(ExitCode::SUCCESS)
}

/// Removes what cargo has unpacked of our packages before.
///
/// A package is built against the others through a registry in the target folder, and cargo keeps
/// what it unpacks from there by name and version. Such a registry has no host, and so its folder's
/// name begins with a hyphen.
fn forget_unpacked() -> Result<()> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    let Some(home) = home else { return Ok(()) };
    for part in ["src", "cache"] {
        let Ok(registries) = fs::read_dir(home.join("registry").join(part)) else { continue };
        for registry in registries.flatten() {
            if !registry.file_name().to_string_lossy().starts_with('-') {
                continue;
            }
            let Ok(unpacked) = fs::read_dir(registry.path()) else { continue };
            for entry in unpacked.flatten() {
                if entry.file_name().to_string_lossy().starts_with("procrust-") {
                    let path = entry.path();
                    let removed = if path.is_dir() {
                        fs::remove_dir_all(&path)
                    } else {
                        fs::remove_file(&path)
                    };
                    removed.with_context(|| format!("cannot remove {}", path.display()))?;
                }
            }
        }
    }
    Ok(())
}

/// The packages in a folder, by name; none where there is no folder.
fn packages(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<Result<Vec<_>, _>>()?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "crate"));
    paths.sort();
    Ok(paths)
}

/// Where cargo builds, by its own account: variables and configuration files may have a say.
fn target_folder() -> Result<PathBuf> {
    let mut metadata = cargo("metadata");
    metadata.args(["--no-deps", "--format-version", "1", "--locked"]);
    let output = metadata.output().context("cannot start cargo metadata")?;
    let text = String::from_utf8(output.stdout).context("cargo metadata: expected UTF-8")?;
    text_field(&text, "target_directory")
        .map(PathBuf::from)
        .with_context(|| format!("cargo metadata: no target_directory ({})", output.status))
}

/// The value of the first field of this name in a text of JSON, if it is a string.
fn text_field(json: &str, name: &str) -> Option<String> {
    let (_, rest) = json.split_once(&format!("\"{name}\":\""))?;
    let mut value = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return Some(value),
            '\\' => value.push(characters.next()?), // paths hold no escapes but \\ and \"
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_fields_lose_their_escapes() {
        let json = r#"{"a":1,"target_directory":"C:\\a \"b\"\\t","z":"y"}"#;
        assert_eq!(text_field(json, "target_directory").unwrap(), r#"C:\a "b"\t"#);
        assert_eq!(text_field(json, "a"), None);
        assert_eq!(text_field(r#"{"z":"unfinished"#, "z"), None);
    }

    #[test]
    fn no_folder_no_packages() {
        assert!(packages(Path::new("does/not/exist")).unwrap().is_empty());
    }
}

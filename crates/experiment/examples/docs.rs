//! Writes the generated parts of the documentation: `cargo xtask docs`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (path, text) in procrust_experiment::documents::outdated(&root)? {
        procrust_runner::write_whole(&path, &text)?;
        println!("wrote {}", path.file_name().unwrap_or_default().display());
    }
    Ok(())
}

//! Finds the folder of the OpenBLAS library where the linker would not look by itself.

use std::{env, path::Path, process::Command};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=OPENBLAS_LIB_DIR");
    if let Ok(folder) = env::var("OPENBLAS_LIB_DIR") {
        println!("cargo:rustc-link-search=native={folder}");
    } else if env::var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "macos") {
        // Homebrew keeps OpenBLAS out of the default search path: macOS has a BLAS of its own.
        let prefix = Command::new("brew").args(["--prefix", "openblas"]).output();
        if let Ok(output) = prefix
            && output.status.success()
            && let Ok(prefix) = String::from_utf8(output.stdout)
        {
            let lib = Path::new(prefix.trim()).join("lib");
            println!("cargo:rustc-link-search=native={}", lib.display());
        }
    }
}

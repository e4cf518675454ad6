//! What is on a picture: `cargo run --release -p procrust-images --features deep --example what_is_it -- FILE…`

use std::process::ExitCode;

use procrust_images::{Decoding, EfficientNetLite0, Guess, ImagesError};

fn main() -> ExitCode {
    let files: Vec<_> = std::env::args_os().skip(1).collect();
    if files.is_empty() {
        eprintln!("expected files of pictures: jpeg, png, gif, bmp, webp, tiff or pnm");
        return ExitCode::FAILURE;
    }
    let decoding = Decoding::default();
    let network = EfficientNetLite0::default();
    let guesses = |path: &std::path::Path| -> Result<Vec<Guess>, ImagesError> {
        network.guesses(&decoding.open(path)?, 5)
    };
    let mut code = ExitCode::SUCCESS;
    for file in &files {
        println!("{}", file.to_string_lossy());
        match guesses(file.as_ref()) {
            Ok(guesses) => {
                for Guess { probability, words, .. } in guesses {
                    println!("{:7.1} %  {words}", 100.0 * probability);
                }
            }
            Err(error) => {
                eprintln!("{}: {error}", file.to_string_lossy());
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}

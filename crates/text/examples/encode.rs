//! Times a model on the lines of a file: `encode MODEL FILE [THREADS] [ROUNDS]`. A model is a folder or an `.onnx` file.

use std::{error::Error, time::Instant};

use procrust_text::open;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(folder), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("expected a model's folder and a file of sentences".into());
    };
    let threads = arguments.next().map_or(Ok(2), |n| n.parse())?;
    let rounds = arguments.next().map_or(Ok(3), |n| n.parse::<usize>())?;
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
    let started = Instant::now();
    let model = open(folder)?;
    println!("opened {:.4}", started.elapsed().as_secs_f64());
    let text = std::fs::read_to_string(file)?;
    let sentences: Vec<&str> = text.lines().collect();
    model.encode(&sentences[..sentences.len().min(8)])?;
    for _ in 0..rounds {
        let started = Instant::now();
        let encoded = model.encode(&sentences)?;
        println!("encoded {:.4} {}", started.elapsed().as_secs_f64(), encoded.tokens);
    }
    Ok(())
}

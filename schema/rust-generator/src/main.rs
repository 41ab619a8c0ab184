//! Writes the Rust types of `schema/*.capnp` from a Cap'n Proto code generator request on standard
//! input: `capnp compile -o- schema/*.capnp | podherd-schema-generator DIRECTORY`.
//! `npm run generate` calls it, and the TypeScript generator beside it.

use std::path::PathBuf;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory: PathBuf = std::env::args_os()
        .nth(1)
        .ok_or("usage: podherd-schema-generator OUTPUT_DIRECTORY")?
        .into();
    std::fs::create_dir_all(&directory)?;
    capnpc::codegen::CodeGenerationCommand::new()
        .output_directory(directory)
        .run(std::io::stdin().lock())?;
    Ok(())
}

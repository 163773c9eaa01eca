//! The program: all of it is in the library, see `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    whyred::cli::main()
}

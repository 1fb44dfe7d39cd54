//! The program `dinv`; everything it does lives in the library.

fn main() -> std::process::ExitCode {
    dynamic_inversion::cli::main().into()
}

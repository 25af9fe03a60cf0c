//! The postern program: everything is in the library.
fn main() -> std::process::ExitCode {
    postern::cli::main()
}

//! The `modelgate` program.

use std::process::ExitCode;

/// Gives memory back once a burst is over, and keeps blocks of one size together, so that the half of a buffer that was
/// never written takes no room; `docs/decisions/0012-allocator.md` has the figures.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    modelgate::cli::main()
}

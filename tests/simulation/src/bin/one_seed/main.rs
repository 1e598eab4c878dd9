//! `one-seed`: runs the simulation of one seed. Its randomness and its clocks are not the system's, so it has a process of its
//! own. It is the same each time if its addresses are, too: `setarch -R`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program of the command line")]

mod entropy;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;
use simulation::crash::{self, Script};
use simulation::run::simulate;

/// As in the operator. It is faster, too.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Runs the simulation of one seed.
#[derive(Debug, Parser)]
struct Args {
    /// The seed, which decides everything.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Hours of faults, before those in which the operator must come to rest.
    #[arg(long, default_value_t = 1.0)]
    hours: f64,
    /// Lines of the story that are shown.
    #[arg(long, default_value_t = 0)]
    story: usize,
    /// Instead: runs this script, and prints what it came to, in JSON.
    #[arg(long)]
    script: Option<Script>,
    /// The interaction of the script at which the operator crashes.
    #[arg(long, default_value_t = u64::MAX)]
    at: u64,
    /// The crash is after the interaction, and not before it.
    #[arg(long)]
    after: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    entropy::seed(args.seed);
    let panicked = Arc::new(AtomicBool::new(false));
    let seen = panicked.clone();
    std::panic::set_hook(Box::new(move |panic| {
        seen.store(true, Ordering::Relaxed);
        eprintln!("{panic}");
    }));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    let Ok(runtime) = runtime else { return ExitCode::FAILURE };
    if let Some(script) = args.script {
        let end = runtime.block_on(crash::run(script, args.at, args.after));
        let end = end.and_then(|end| serde_json::to_string(&end).map_err(|error| error.to_string()));
        let is_good = end.is_ok() && !panicked.load(Ordering::Relaxed);
        println!("{}", end.unwrap_or_else(|problem| problem));
        return if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let verdict = runtime.block_on(simulate(args.seed, args.hours));
    if args.story > 0 {
        print!("{}", verdict.trace.story(args.story));
    }
    let failure = verdict.failure.or_else(|| panicked.load(Ordering::Relaxed).then(|| "nothing panics".to_owned()));
    let simulation::run::Verdict { seconds, calls, writes, digest, .. } = verdict;
    println!(
        "seed {}: {:.1} h, {calls} calls of AWS, {writes} writes, digest {digest:016x}: {}",
        args.seed,
        seconds / 3600.0,
        failure.as_deref().unwrap_or("good"),
    );
    if failure.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

//! `simulate`: runs the simulations of many seeds, and shows the story of the first one that fails.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program of the command line")]

mod crashes;

use std::io;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Output};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, Once};
use std::time::{Duration, Instant};

use clap::Parser;
use crashes::Point;
use simulation::crash::Script;

/// Time between two lines about the progress.
const PROGRESS: Duration = Duration::from_secs(10);

/// Runs the real operator in virtual time, between an API server and an AWS in memory. A seed decides everything.
#[derive(Debug, Parser)]
struct Args {
    /// How many seeds.
    #[arg(long, default_value_t = 100)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Hours of faults in each simulation, before those in which the operator must come to rest.
    #[arg(long, default_value_t = 1.0)]
    hours: f64,
    /// Runs this seed only, and shows its story.
    #[arg(long)]
    seed: Option<u64>,
    /// Lines of a story that are shown.
    #[arg(long, default_value_t = 200)]
    story: usize,
    /// Shows all seeds that fail, and not only the first one.
    #[arg(long)]
    all: bool,
    /// Instead: lets the operator crash before and after each interaction of fixed scripts.
    #[arg(long)]
    crashes: bool,
    /// Only every so many crash points.
    #[arg(long, default_value_t = 1)]
    stride: u64,
    /// Shows the story of one crash in this script.
    #[arg(long, requires = "at")]
    script: Option<Script>,
    /// The number of the interaction.
    #[arg(long, requires = "script")]
    at: Option<u64>,
    /// The crash is after the interaction, and not before it.
    #[arg(long, requires = "script")]
    after: bool,
}

/// What has been simulated so far.
#[derive(Default)]
struct Progress {
    next: AtomicU64,
    done: AtomicU64,
    /// In tenths of an hour.
    tenths: AtomicU64,
    is_over: AtomicBool,
    failed: Mutex<Vec<(u64, String)>>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let result = match (args.script, args.seed) {
        _ if args.crashes => Ok(crashes::enumerate(args.stride)),
        (Some(script), _) => {
            Ok(crashes::replay(Point { script, at: args.at.unwrap_or_default(), is_after: args.after }))
        }
        (None, Some(seed)) => replay(&args, seed),
        (None, None) => simulate(&args),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cannot run one-seed, which is built beside this program: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether all seeds are good.
fn simulate(args: &Args) -> io::Result<bool> {
    let progress = Progress::default();
    let begun = Instant::now();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(|| work(args, &progress))).collect();
        let mut told = Instant::now();
        while !running.iter().all(|worker| worker.is_finished()) {
            std::thread::sleep(Duration::from_millis(50));
            if told.elapsed() >= PROGRESS {
                told = Instant::now();
                eprintln!("{}", summary(args, &progress, begun));
            }
        }
        running.into_iter().try_for_each(|worker| worker.join().unwrap_or(Ok(())))
    })?;
    println!("{}", summary(args, &progress, begun));
    let mut failed = progress.failed.into_inner().unwrap_or_default();
    failed.sort();
    for (_, line) in &failed {
        println!("{line}");
    }
    let Some((first, _)) = failed.first() else { return Ok(true) };
    println!();
    replay(args, *first)?;
    println!("\nAgain: make simulate SEED={first} HOURS={}", args.hours);
    Ok(false)
}

fn work(args: &Args, progress: &Progress) -> io::Result<()> {
    while !progress.is_over.load(Ordering::Relaxed) {
        let number = progress.next.fetch_add(1, Ordering::Relaxed);
        if number >= args.seeds {
            break;
        }
        let seed = args.from + number;
        let output = one_seed(&of_seed(args, seed, 0))?;
        let said = String::from_utf8_lossy(&output.stdout);
        let line = said.lines().last().unwrap_or_default().to_owned();
        progress.done.fetch_add(1, Ordering::Relaxed);
        progress.tenths.fetch_add(tenths(&line), Ordering::Relaxed);
        if !output.status.success() {
            let line = if line.is_empty() { format!("seed {seed}: {}", output.status) } else { line };
            let line: String = line.chars().take(600).collect();
            if args.all {
                eprintln!("{line}");
            }
            if let Ok(mut failed) = progress.failed.lock() {
                failed.push((seed, line));
            }
            progress.is_over.fetch_or(!args.all, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Shows the story of one seed. Returns whether it is good.
fn replay(args: &Args, seed: u64) -> io::Result<bool> {
    let output = one_seed(&of_seed(args, seed, args.story))?;
    print!("{}", String::from_utf8_lossy(&output.stdout));
    eprint!("{}", String::from_utf8_lossy(&output.stderr));
    Ok(output.status.success())
}

fn of_seed(args: &Args, seed: u64, story: usize) -> [String; 6] {
    let (seed, hours, story) = (seed.to_string(), args.hours.to_string(), story.to_string());
    ["--seed".into(), seed, "--hours".into(), hours, "--story".into(), story]
}

/// Runs the program that is built beside this one.
fn one_seed(arguments: &[String]) -> io::Result<Output> {
    let program = std::env::current_exe()?.with_file_name("one-seed");
    at_fixed_addresses(program).args(arguments).output()
}

/// Some hash maps take their order from addresses in memory. A container may not be allowed to fix them.
fn at_fixed_addresses(program: PathBuf) -> Command {
    static CAN_FIX: LazyLock<bool> =
        LazyLock::new(|| Command::new("setarch").args(["-R", "true"]).output().is_ok_and(|done| done.status.success()));
    static SAYS: Once = Once::new();
    if !*CAN_FIX {
        SAYS.call_once(|| eprintln!("`setarch -R` is not allowed here: a seed may not be the same each time"));
        return Command::new(program);
    }
    let mut command = Command::new("setarch");
    command.arg("-R").arg(program);
    command
}

fn summary(args: &Args, progress: &Progress, begun: Instant) -> String {
    let done = progress.done.load(Ordering::Relaxed);
    let hours = progress.tenths.load(Ordering::Relaxed) as f64 / 10.0;
    let seconds = begun.elapsed().as_secs_f64();
    let failed = progress.failed.lock().map_or(0, |failed| failed.len());
    format!(
        "{done} of {} seeds, {failed} failed; {hours:.0} simulated hours in {seconds:.0} s, {:.1} a second",
        args.seeds,
        hours / seconds.max(0.001)
    )
}

/// The hours in `seed 1: 3.4 h, …`, in tenths.
fn tenths(line: &str) -> u64 {
    let hours = line.split(": ").nth(1).and_then(|rest| rest.split(' ').next()).and_then(|hours| hours.parse().ok());
    (hours.unwrap_or(0.0_f64) * 10.0).round() as u64
}

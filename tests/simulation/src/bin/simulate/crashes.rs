//! Runs each script once without a crash, and then with a crash at each of its interactions. Each run has a process of its own:
//! `one-seed`, so that it is the same each time.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use simulation::crash::{End, Script};

use crate::one_seed;

/// A crash before or after an interaction.
#[derive(Clone, Copy, Debug)]
pub struct Point {
    pub script: Script,
    pub at: u64,
    pub is_after: bool,
}

/// Returns whether all crash points are good.
pub fn enumerate(stride: u64) -> bool {
    let mut is_good = true;
    for script in Script::ALL {
        let begun = Instant::now();
        let undisturbed = match undisturbed(script) {
            Ok(end) => end,
            Err(problem) => {
                println!("{script:?}, without a crash: {problem}");
                return false;
            }
        };
        let points = 2 * undisturbed.interactions.saturating_sub(first(stride)).div_ceil(stride);
        let bad = all(script, &undisturbed, stride);
        println!(
            "{script:?}: {points} crash points of {} interactions, {} bad, {:.0} s",
            undisturbed.interactions,
            bad.len(),
            begun.elapsed().as_secs_f64()
        );
        for (Point { at, is_after, .. }, problem) in bad.iter().take(3) {
            println!(
                "{problem}\nAgain: make simulate SCRIPT={script} AT={at}{}",
                if *is_after { " AFTER=1" } else { "" }
            );
        }
        is_good &= bad.is_empty();
    }
    is_good
}

/// Shows the story of one crash. Returns whether it is good.
pub fn replay(point: Point) -> bool {
    let end = undisturbed(point.script).and_then(|undisturbed| Ok((ends(point)?, undisturbed)));
    let problem = match end {
        Ok((end, undisturbed)) => {
            print!("{}", end.trace);
            wrong(point, &end, &undisturbed)
        }
        Err(problem) => Some(problem),
    };
    println!("{point:?}: {}", problem.as_deref().unwrap_or("good"));
    problem.is_none()
}

fn all(script: Script, undisturbed: &End, stride: u64) -> Vec<(Point, String)> {
    let (next, bad) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let point = Point { script, at: first(stride) + number / 2 * stride, is_after: number % 2 == 1 };
                    if point.at >= undisturbed.interactions {
                        break;
                    }
                    let problem = ends(point).map_or_else(Some, |end| wrong(point, &end, undisturbed));
                    if let (Some(problem), Ok(mut bad)) = (problem, bad.lock()) {
                        bad.push((point, problem));
                    }
                }
            });
        }
    });
    bad.into_inner().unwrap_or_default()
}

/// The first interaction of those with this stride. The very first ones are the same in each script.
fn first(stride: u64) -> u64 {
    stride / 2
}

/// What is wrong with how a run with a crash ends.
fn wrong(point: Point, end: &End, undisturbed: &End) -> Option<String> {
    let has_crashed = end.interactions > point.at;
    let nothing = || Some("there was no such interaction, so nothing crashed".to_owned());
    let problem = if has_crashed { end.difference(undisturbed) } else { nothing() };
    problem.map(|problem| format!("{point:?}: {problem}"))
}

fn undisturbed(script: Script) -> Result<End, String> {
    let end = ends(Point { script, at: u64::MAX, is_after: false })?;
    end.unfinished(script).map_or(Ok(end), Err)
}

fn ends(Point { script, at, is_after }: Point) -> Result<End, String> {
    let mut arguments = vec!["--script".to_owned(), script.to_string(), "--at".to_owned(), at.to_string()];
    arguments.extend(is_after.then(|| "--after".to_owned()));
    let output = one_seed(&arguments).map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        return Err(format!("{said}{}", String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_str(&said).map_err(|error| error.to_string())
}

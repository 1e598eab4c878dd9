//! Runs each script once without a crash, and then with a crash at each of its interactions.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use simulation::crash::{End, Script, run};

/// Returns whether all crash points are good.
pub fn enumerate(stride: u64) -> bool {
    let mut is_good = true;
    for script in Script::ALL {
        let begun = Instant::now();
        let undisturbed = match ends(script, u64::MAX, false) {
            Ok(end) => end,
            Err(problem) => {
                println!("{script:?}, without a crash: {problem}");
                return false;
            }
        };
        let points = 2 * undisturbed.interactions.div_ceil(stride);
        let bad = all(script, &undisturbed, stride);
        println!(
            "{script:?}: {points} crash points of {} interactions, {} bad, {:.0} s",
            undisturbed.interactions,
            bad.len(),
            begun.elapsed().as_secs_f64()
        );
        bad.iter().take(3).for_each(|problem| println!("{problem}"));
        is_good &= bad.is_empty();
    }
    is_good
}

fn all(script: Script, undisturbed: &End, stride: u64) -> Vec<String> {
    let (next, bad) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let point = next.fetch_add(1, Ordering::Relaxed);
                    let (at, is_after) = (point / 2 * stride, point % 2 == 1);
                    if at >= undisturbed.interactions {
                        break;
                    }
                    let problem = ends(script, at, is_after).map_or_else(Some, |end| difference(&end, undisturbed));
                    if let (Some(problem), Ok(mut bad)) = (problem, bad.lock()) {
                        let side = if is_after { "after" } else { "before" };
                        bad.push(format!("a crash {side} interaction {at}: {problem}"));
                    }
                }
            });
        }
    });
    bad.into_inner().unwrap_or_default()
}

fn difference(end: &End, undisturbed: &End) -> Option<String> {
    if let Some((now, without)) = end.statuses.iter().zip(&undisturbed.statuses).find(|(now, without)| now != without) {
        return Some(format!("the status is {now}\n  and without it {without}\n{}", end.trace));
    }
    let most = undisturbed.writes + 1;
    (end.writes > most).then(|| format!("{} writes, where {most} are allowed\n{}", end.writes, end.trace))
}

/// In a thread of its own, because the clock and the chance of a simulation belong to a thread.
fn ends(script: Script, at: u64, is_after: bool) -> Result<End, String> {
    let running = std::thread::spawn(move || {
        fastrand::seed(1);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.map_err(|error| error.to_string())?.block_on(run(script, at, is_after))
    });
    running.join().unwrap_or_else(|_| Err("it has panicked".to_owned()))
}

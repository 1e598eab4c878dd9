//! The runner of the fuzz tests. It gives a property many inputs of chance, in chunks. Each chunk has its own seed, so that a
//! failure can be repeated alone. After each chunk it looks at the peak of the memory. A case that does not end ends the process.
//!
//! The fuzz tests are ignored by default, because the peak is of the whole process: `tests/fuzz` runs each in its own one.
//! - `FUZZ_INPUTS`: how many inputs all fuzz tests get together.
//! - `FUZZ_SEED`: another seed gives other inputs. The same seed gives the same ones.
//! - `FUZZ_FROM`: the number of the first input.

use parking_lot::Mutex;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestRng, TestRunner};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// The fuzz tests by the module `fuzz_NAME` of each, and how many of ten thousand inputs each gets. An input that costs more
/// has fewer, so that each test takes about the same time.
const SHARES: [(&str, u64); 10] = [
    ("whole", 4300),
    ("lists", 450),
    ("details", 400),
    ("identity", 100),
    ("stored", 400),
    ("status", 300),
    ("configuration", 3000),
    ("values", 955),
    ("command_line", 90),
    ("environment", 5),
];

/// The sum of the shares.
const OF: u64 = 10_000;

const DEFAULT_INPUTS: u64 = 100_000;

/// The inputs of a chunk.
const CHUNK: u64 = 500;

/// How many MiB the process may grow during a chunk, and in all chunks after the first.
const MOST_GROWTH: u64 = 96;

/// The longest time for one case, on a slow and busy machine.
const MOST_TIME: Duration = Duration::from_secs(60);

/// Checks that `property` holds for the share of `test` in all inputs.
pub fn hold<S: Strategy>(test: &'static str, inputs: &S, property: impl Fn(S::Value) -> TestCaseResult) {
    hold_many(test, 1, inputs, property);
}

/// The same for a `property` that makes `each` inputs of one.
pub fn hold_many<S: Strategy>(
    test: &'static str,
    each: u64,
    inputs: &S,
    property: impl Fn(S::Value) -> TestCaseResult,
) {
    let seed = setting("FUZZ_SEED", 1);
    let (first, count) = (setting("FUZZ_FROM", 0), inputs_of(test, setting("FUZZ_INPUTS", DEFAULT_INPUTS)));
    let (mut most, mut told, mut settled) = (0, 0, None);
    let case = Case::default();
    case.watch();
    for begin in (first..first + count).step_by(usize::try_from(CHUNK).unwrap()) {
        let memory = Memory::begin();
        let chunk = CHUNK.min(first + count - begin);
        let enough = (CHUNK * OF).div_ceil(share(test));
        let optimized = if cfg!(debug_assertions) { "" } else { "OPTIMIZED=1 " };
        let again = format!("{optimized}FUZZ_SEED={seed} FUZZ_FROM={begin} FUZZ_INPUTS={enough} tests/fuzz {test}");
        let again = format!("to repeat it: {again}");
        let timed = |input| {
            case.begins(&again);
            property(input)
        };
        if let Err(error) = runner(test, seed, begin, chunk.div_ceil(each)).run(inputs, timed) {
            panic!("fuzz {test}: {error}\n{again}");
        }
        let (begun, grown) = (memory.0, memory.grown());
        // The first chunk fills what is kept for good.
        let since_first = settled.map_or(0, |settled| begun.saturating_sub(settled) / 1024);
        if begin > first {
            settled.get_or_insert(begun);
        }
        assert!(grown <= MOST_GROWTH, "fuzz {test}: {grown} MiB more than before the chunk\n{again}");
        assert!(since_first <= MOST_GROWTH, "fuzz {test}: {since_first} MiB more than after the first chunk\n{again}");
        most = most.max(grown).max(since_first);
        let done = begin + chunk - first;
        if done * 10 / count > told {
            told = done * 10 / count;
            eprintln!("fuzz {test}: {done} of {count} inputs; the memory grew by at most {most} MiB");
        }
    }
    case.ends();
    println!("fuzz {test}: {count} inputs held");
}

fn runner(test: &'static str, seed: u64, begin: u64, cases: u64) -> TestRunner {
    let cases = u32::try_from(cases).unwrap();
    let config = Config { cases, max_shrink_iters: 20_000, failure_persistence: None, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&begin.to_le_bytes());
    bytes[16..].iter_mut().zip(test.bytes()).for_each(|(byte, letter)| *byte = letter);
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// The case under way: when it began, and how to repeat it.
#[derive(Clone, Default)]
struct Case(Arc<Mutex<Option<(Instant, String)>>>);

impl Case {
    fn begins(&self, again: &str) {
        *self.0.lock() = Some((Instant::now(), again.to_owned()));
    }

    fn ends(&self) {
        *self.0.lock() = None;
    }

    /// Ends the process if a case does not end.
    fn watch(&self) {
        let case = self.clone();
        thread::spawn(move || {
            loop {
                thread::sleep(Duration::from_secs(1));
                if let Some((_, again)) = case.0.lock().as_ref().filter(|(begun, _)| begun.elapsed() > MOST_TIME) {
                    eprintln!("fuzz: a case has not ended after {MOST_TIME:?}\n{again}");
                    std::process::exit(1);
                }
            }
        });
    }
}

/// How many of `all` inputs `test` gets: at least one.
fn inputs_of(test: &str, all: u64) -> u64 {
    (all * share(test)).div_ceil(OF)
}

fn share(test: &str) -> u64 {
    SHARES.into_iter().find(|(name, _)| *name == test).unwrap().1
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// The peak of this process's memory since `begin`. Only Linux tells it.
struct Memory(u64);

impl Memory {
    fn begin() -> Self {
        // Sets the peak to the current size. Where that is refused, the peak of earlier chunks counts as the begin.
        let _ = std::fs::write("/proc/self/clear_refs", "5");
        Self(peak())
    }

    /// In MiB.
    fn grown(&self) -> u64 {
        peak().saturating_sub(self.0) / 1024
    }
}

/// In KiB.
fn peak() -> u64 {
    #[cfg(target_os = "linux")]
    return procfs::process::Process::myself().and_then(|own| own.status()).unwrap().vmhwm.unwrap_or_default();
    #[cfg(not(target_os = "linux"))]
    0
}

#[test]
fn the_shares_are_of_ten_thousand_inputs() {
    assert_eq!(SHARES.iter().map(|(_, share)| share).sum::<u64>(), OF);
    let inputs: u64 = SHARES.iter().map(|(test, _)| inputs_of(test, DEFAULT_INPUTS)).sum();
    assert_eq!(inputs, DEFAULT_INPUTS);
}

#[test]
#[cfg(target_os = "linux")]
#[should_panic(expected = "MiB more than before the chunk")]
fn a_property_that_takes_much_memory_does_not_hold() {
    hold_many("environment", CHUNK, &proptest::strategy::Just(()), |()| {
        std::hint::black_box(vec![1_u8; 200 << 20]);
        Ok(())
    });
}

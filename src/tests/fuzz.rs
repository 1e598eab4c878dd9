//! The runner of the fuzz tests. It gives a property many inputs of chance, in chunks. Each chunk has its own seed, so that a
//! failure can be repeated alone. After each chunk it looks at the peak of the memory.
//!
//! The fuzz tests are ignored by default, because the peak is of the whole process: `tests/fuzz` runs each in its own one.
//! - `FUZZ_INPUTS`: how many inputs all fuzz tests get together.
//! - `FUZZ_SEED`: another seed gives other inputs. The same seed gives the same ones.
//! - `FUZZ_FROM`: the number of the first input.
//!
//! A failure is also kept in `proptest-regressions`, and tried first. Replace it with a test of its own.

use proptest::strategy::Strategy;
use proptest::test_runner::{
    Config, FileFailurePersistence, RngAlgorithm, TestCaseError, TestCaseResult, TestRng, TestRunner,
};
use std::time::{Duration, Instant};

/// The fuzz tests by the module `fuzz_NAME` of each, and how many of ten thousand inputs each gets. An input that costs more
/// has fewer, so that each test takes about the same time.
const SHARES: [(&str, u64); 9] = [
    ("whole", 5000),
    ("lists", 150),
    ("details", 100),
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

/// How much the process may grow during a chunk.
const MOST_GROWTH: u64 = 96;

/// The longest time for one input, on a slow and busy machine.
const MOST_TIME: Duration = Duration::from_secs(20);

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
    let (mut most, mut told) = (0, 0);
    for begin in (first..first + count).step_by(usize::try_from(CHUNK).unwrap()) {
        let memory = Memory::begin();
        let chunk = CHUNK.min(first + count - begin);
        let enough = (CHUNK * OF).div_ceil(share(test));
        let again = format!("to repeat it: FUZZ_SEED={seed} FUZZ_FROM={begin} FUZZ_INPUTS={enough} tests/fuzz {test}");
        let timed = |input| {
            let start = Instant::now();
            property(input)?;
            let took = start.elapsed();
            if took < MOST_TIME { Ok(()) } else { Err(TestCaseError::fail(format!("it took {took:?}"))) }
        };
        if let Err(error) = runner(test, seed, begin, chunk.div_ceil(each)).run(inputs, timed) {
            panic!("fuzz {test}: {error}\n{again}");
        }
        let grown = memory.grown();
        assert!(grown <= MOST_GROWTH, "fuzz {test}: {grown} MiB more than before the chunk\n{again}");
        most = most.max(grown);
        let done = begin + chunk - first;
        if done * 10 / count > told {
            told = done * 10 / count;
            eprintln!("fuzz {test}: {done} of {count} inputs; the memory grew by at most {most} MiB");
        }
    }
    println!("fuzz {test}: {count} inputs held");
}

fn runner(test: &'static str, seed: u64, begin: u64, cases: u64) -> TestRunner {
    let regressions = Box::leak(format!("proptest-regressions/fuzz-{test}.txt").into_boxed_str());
    let config = Config {
        cases: u32::try_from(cases).unwrap(),
        max_shrink_iters: 20_000,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(regressions))),
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&begin.to_le_bytes());
    bytes[16..].iter_mut().zip(test.bytes()).for_each(|(byte, letter)| *byte = letter);
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
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

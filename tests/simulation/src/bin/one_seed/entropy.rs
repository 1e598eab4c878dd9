//! The random numbers of the system, which hash maps take their order from. In a simulation they follow from the seed.
#![allow(unsafe_code, reason = "the C library's function has this form")]

use std::ffi::{CStr, c_char, c_void};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ahash::random_state::{RandomSource, set_random_source};

static STATE: AtomicU64 = AtomicU64::new(0);

/// To be called before the first hash map.
pub fn seed(seed: u64) {
    STATE.store(seed, Ordering::Relaxed);
    // By default it takes them from an address in memory.
    let _ = set_random_source(Counter(AtomicUsize::new(0)));
}

/// The seeds of kube's maps: one number after the other.
struct Counter(AtomicUsize);

impl RandomSource for Counter {
    fn gen_hasher_seed(&self) -> usize {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// Takes the place of the C library's function in this program.
///
/// # Safety
/// As for the C library's: `buffer` has room for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrandom(buffer: *mut u8, length: usize, _flags: u32) -> isize {
    for index in 0..length {
        let state = STATE.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        // SAFETY: the caller promises the room.
        unsafe { buffer.add(index).write((mixed >> 56) as u8) };
    }
    length as isize
}

/// A clock of the system, in the C library's form.
#[repr(C)]
pub struct TimeSpec {
    seconds: i64,
    nanoseconds: i64,
}

/// Takes the place of the C library's function, too: some hash maps take their order from the time. It stands still, because
/// all time in a simulation is virtual.
///
/// # Safety
/// As for the C library's: `time` can be written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(_clock: i32, time: *mut TimeSpec) -> i32 {
    // SAFETY: the caller promises it.
    unsafe { time.write(TimeSpec { seconds: 1_800_000_000, nanoseconds: 0 }) };
    0
}

/// Takes the place of the C library's function, too. Some crates look for `getrandom` with it, and would read the system's
/// random numbers if there were none. A static program has no other functions to find.
///
/// # Safety
/// As for the C library's: `name` ends with a zero.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dlsym(_handle: *mut c_void, name: *const c_char) -> *mut c_void {
    // SAFETY: the caller promises the zero.
    let name = unsafe { CStr::from_ptr(name) };
    if name == c"getrandom" { getrandom as *mut c_void } else { std::ptr::null_mut() }
}

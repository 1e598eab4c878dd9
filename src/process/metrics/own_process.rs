//! The metrics of the process itself, by the names that every Prometheus client uses.

use crate::kubernetes::metrics::put;
use procfs::process::{LimitValue, Process, Stat};
use procfs::{ProcResult, boot_time_secs, page_size, ticks_per_second};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use std::fmt;

/// Reads `/proc/self` at each scrape. What cannot be read is left out.
#[derive(Debug)]
pub struct OwnProcess;

impl Collector for OwnProcess {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let Ok(process) = Process::myself() else { return Ok(()) };
        let Ok(stat) = process.stat() else { return Ok(()) };
        let cpu = ConstCounter::new(seconds(stat.utime + stat.stime));
        put(&mut encoder, "process_cpu", "Time that the process has computed", Some(&Unit::Seconds), &cpu)?;
        let resident = ConstGauge::new(stat.rss.saturating_mul(page_size()));
        put(&mut encoder, "process_resident_memory", "Memory of the process", Some(&Unit::Bytes), &resident)?;
        let of_all = ConstGauge::new(stat.vsize);
        put(&mut encoder, "process_virtual_memory", "Address space of the process", Some(&Unit::Bytes), &of_all)?;
        if let Ok(started) = started(&stat) {
            let help = "When the process was started, in seconds since 1970";
            put(&mut encoder, "process_start_time", help, Some(&Unit::Seconds), &ConstGauge::new(started))?;
        }
        if let Ok(open) = process.fd_count() {
            put(&mut encoder, "process_open_fds", "Open files and sockets", None, &ConstGauge::new(open as u64))?;
        }
        if let Ok(LimitValue::Value(most)) = process.limits().map(|limits| limits.max_open_files.soft_limit) {
            put(
                &mut encoder,
                "process_max_fds",
                "How many files and sockets may be open",
                None,
                &ConstGauge::new(most),
            )?;
        }
        Ok(())
    }
}

fn seconds(ticks: u64) -> f64 {
    ticks as f64 / ticks_per_second() as f64
}

fn started(stat: &Stat) -> ProcResult<f64> {
    Ok(boot_time_secs()? as f64 + seconds(stat.starttime))
}

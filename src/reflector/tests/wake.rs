//! Measures how long a lane takes to find its due work. This is not a test:
//! `cargo test --release --lib -- --ignored wake --nocapture`.

use super::*;
use crate::clock::Stamp;
use crate::reflector::lane::Lane;

const WAKES: u32 = 200;

#[tokio::test(start_paused = true)]
#[ignore = "a measurement"]
async fn duration_of_one_wake_of_a_lane() {
    for count in [100, 1_000, 10_000] {
        let (lane, ids) = (Lane::new(SETTINGS), ids(count));
        for id in &ids {
            lane.insert(id);
        }
        let _ = lane.take_due(|ids, _| ids);
        let _ = lane.slot(Priority::Urgent);
        let begun = Stamp { at: Timestamp::now(), instant: Instant::now() };
        for id in &ids {
            let available = Ami { state: Some("available".into()), ..Ami::default() };
            let answer = Ok(Observation::Ami { ami: available, stack: None, refused: None });
            lane.answered(id, answer, (Priority::Urgent, begun), 1.0);
        }
        let started = std::time::Instant::now();
        for id in ids.iter().cycle().take(WAKES as usize) {
            // A user requests a read now, so one image is due.
            assert_eq!(lane.latest(id, Some(Timestamp::MAX)), None);
            assert!(lane.withdraw_stale().is_empty());
            assert_eq!(lane.work(), crate::reflector::lane::Work::Read);
            assert!(lane.take_due(|ids, _| ids).iter().map(|(_, ids)| ids.len()).sum::<usize>() <= 1);
            let _ = lane.slot(Priority::Urgent);
        }
        println!("{count} images, one due: {:?} per wake", started.elapsed() / WAKES);
    }
}

//! `Newest`: selects one AMI for each requested id from all AMIs of an account. It prefers available AMIs, then newer
//! ones. If both are equal, it takes the greater AMI id, because EC2 guarantees no order. AMIs stay packed until all
//! pages are read.

use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::{Ami, tag, tag_key};
use crate::packed::{Packed, Unreadable};
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};

/// The order of two AMIs of one id: available, creation date, AMI id. So a pending or failed copy never hides a usable
/// AMI.
type Rank = (bool, Option<Timestamp>, Option<String>);

/// The best AMI so far of each of `ids`.
pub struct Newest<'a> {
    ids: HashSet<&'a ImageId>,
    includes_disabled: bool,
    by_id: HashMap<ImageId, (Rank, Packed<Ami>)>,
}

impl<'a> Newest<'a> {
    pub fn of(ids: &'a [ImageId], includes_disabled: bool) -> Self {
        Self { ids: ids.iter().collect(), includes_disabled, by_id: HashMap::new() }
    }

    /// Takes an AMI whose tag contains its image id. Ignores AMIs without a valid id.
    pub fn take_tagged(&mut self, ami: &Ami) {
        if let Some(id) = tag(&ami.tags, tag_key::IMAGE_ID).and_then(|id| ImageId::parse(id).ok()) {
            self.take(id, ami);
        }
    }

    pub fn take(&mut self, id: ImageId, ami: &Ami) {
        if !self.ids.contains(&id) || (ami.is_disabled() && !self.includes_disabled) {
            return;
        }
        let rank = (ami.is_available(), ami.creation_date, ami.id.clone());
        if self.by_id.get(&id).is_none_or(|(best, _)| rank > *best) {
            self.by_id.insert(id, (rank, Packed::new(ami)));
        }
    }

    /// Removes and returns the best AMI of `id`.
    pub fn remove(&mut self, id: &ImageId) -> Result<Option<Ami>, Unreadable> {
        self.by_id.remove(id).map(|(_, ami)| ami.unpack()).transpose()
    }
}

//! One AMI of each id that is asked for, out of as many as an account has: the newest that is available, else the newest of the
//! others; then the one of the greater AMI id, for EC2 promises no order. They are kept packed until all pages are there.

use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::{Ami, tag, tag_key};
use crate::packed::{Packed, Unreadable};
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};

/// What decides between two AMIs of one id: a pending or failed copy never hides one that can be used.
type Rank = (bool, Option<Timestamp>, Option<String>);

/// The best AMI of each of these ids.
pub struct Newest<'a> {
    ids: HashSet<&'a ImageId>,
    counts_disabled: bool,
    by_id: HashMap<ImageId, (Rank, Packed<Ami>)>,
}

impl<'a> Newest<'a> {
    pub fn of(ids: &'a [ImageId], counts_disabled: bool) -> Self {
        Self { ids: ids.iter().collect(), counts_disabled, by_id: HashMap::new() }
    }

    /// An AMI that says by its tag which id it is of.
    pub fn take_tagged(&mut self, ami: &Ami) {
        if let Some(id) = tag(&ami.tags, tag_key::IMAGE_ID).and_then(|id| ImageId::parse(id).ok()) {
            self.take(id, ami);
        }
    }

    pub fn take(&mut self, id: ImageId, ami: &Ami) {
        if !self.ids.contains(&id) || (ami.is_disabled() && !self.counts_disabled) {
            return;
        }
        let rank = (ami.is_available(), ami.creation_date, ami.id.clone());
        if self.by_id.get(&id).is_none_or(|(known, _)| rank > *known) {
            self.by_id.insert(id, (rank, Packed::new(ami)));
        }
    }

    /// Takes the AMI of an id out.
    pub fn remove(&mut self, id: &ImageId) -> Result<Option<Ami>, Unreadable> {
        self.by_id.remove(id).map(|(_, ami)| ami.unpack()).transpose()
    }
}

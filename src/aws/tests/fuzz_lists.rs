//! Lists of AMIs and stacks, from any replies: what the adapter tells is what the replies state. A reply that states no list is
//! an error.

use super::known::{DENIED, MORE_AMIS, NO_AMI, NO_STACK, NO_STACKS, ONE_AMI, STACKS};
use super::memory_http::{MemoryHttp, Reply};
use super::replies::any_reply;
use super::statement::list;
use super::{adapter, runtime, scope, turn};
use crate::aws::source::Aws;
use crate::describe_image::ImageId;
use crate::describe_image::source::{ImageSource, StorySource};
use crate::describe_image::source_error::SourceError;
use crate::tests::fuzz::hold;
use parking_lot::Mutex;
use proptest::prelude::*;
use std::sync::Arc;

const IMAGES: [(u16, &str); 4] = [(200, ONE_AMI), (200, NO_AMI), (200, MORE_AMIS), (403, DENIED)];
const LISTS_OF_STACKS: [(u16, &str); 4] = [(200, STACKS), (200, NO_STACKS), (400, NO_STACK), (403, DENIED)];

#[derive(Clone, Copy, Debug)]
enum Read {
    AmisOfOne,
    AmisOfTwo,
    AllAmis,
    AllStacks,
    StacksPage,
}

impl Read {
    fn is_of_images(self) -> bool {
        matches!(self, Self::AmisOfOne | Self::AmisOfTwo | Self::AllAmis)
    }

    /// How many entries the adapter gave.
    async fn read(self, aws: &Aws) -> Result<usize, SourceError> {
        let ids = ["hpc", "other"].map(|id| ImageId::parse(id).unwrap());
        let (scope, turn) = (scope(), turn());
        let mut count = 0;
        match self {
            Self::AmisOfOne => count = aws.amis(&scope, &ids[..1], &turn).await?.len(),
            Self::AmisOfTwo => count = aws.amis(&scope, &ids, &turn).await?.len(),
            Self::AllAmis => aws.all_amis(&scope, &turn, |_| count += 1).await?,
            Self::AllStacks => aws.all_stacks(&scope, &turn, |_| count += 1).await?,
            Self::StacksPage => count = aws.stacks_page(&scope, None, &turn).await?.0.len(),
        }
        Ok(count)
    }
}

/// The replies of one call, in order. The last one comes again and again.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<(Vec<Reply>, usize)>>);

impl Script {
    fn begin(&self, replies: Vec<Reply>) {
        *self.0.lock() = (replies, 0);
    }

    fn next(&self) -> Reply {
        let (replies, served) = &mut *self.0.lock();
        *served += 1;
        replies[replies.len().min(*served) - 1].clone()
    }

    /// The replies that were served.
    fn served(&self) -> Vec<Reply> {
        let (replies, served) = &*self.0.lock();
        (0..*served).map(|at| replies[at.min(replies.len() - 1)].clone()).collect()
    }
}

fn any_read() -> impl Strategy<Value = (Read, Vec<Reply>, bool)> {
    use Read::{AllAmis, AllStacks, AmisOfOne, AmisOfTwo, StacksPage};
    let images = (
        proptest::sample::select(vec![AmisOfOne, AmisOfTwo, AllAmis]),
        proptest::collection::vec(any_reply(&IMAGES), 1..3),
    );
    let stacks = (
        proptest::sample::select(vec![AllStacks, StacksPage]),
        proptest::collection::vec(any_reply(&LISTS_OF_STACKS), 1..3),
    );
    (prop_oneof![3 => images, 2 => stacks], proptest::bool::weighted(0.2)).prop_map(|((read, replies), retries)| {
        // A list must not go on forever, because its last page comes again and again.
        let end = if read.is_of_images() { NO_AMI } else { NO_STACKS };
        let end = Reply { status: 200, body: end.into(), ..Reply::default() };
        let has_more = replies.last().is_some_and(|reply| stated(read, reply).is_some_and(|(_, more)| more));
        let replies = if has_more { replies.into_iter().chain([end]).collect() } else { replies };
        (read, replies, retries)
    })
}

/// How many entries a reply states, and whether another page follows.
fn stated(read: Read, reply: &Reply) -> Option<(usize, bool)> {
    let (entries, more) = if read.is_of_images() {
        list(reply, "DescribeImagesResponse", &["imagesSet"], "nextToken")
    } else {
        list(reply, "DescribeStacksResponse", &["DescribeStacksResult", "Stacks"], "NextToken")
    }?;
    Some((entries.len(), more))
}

#[test]
#[ignore = "tests/fuzz runs it in a process of its own"]
fn a_list_is_told_only_as_whole_replies_state_it() {
    let (runtime, script) = (runtime(), Script::default());
    let _guard = runtime.enter();
    let of_script = script.clone();
    let http = MemoryHttp::new(move |_| of_script.next());
    let (once, patient) = (adapter(&http, 1), adapter(&http, 3));
    hold("lists", &any_read(), |(read, replies, retries)| {
        script.begin(replies);
        let told = runtime.block_on(read.read(if retries { &patient } else { &once }));
        let Ok(told) = told else { return Ok(()) };
        let served: Vec<_> = script.served().iter().map(|reply| stated(read, reply)).collect();
        let (_, more) =
            served.last().copied().flatten().ok_or_else(|| TestCaseError::fail("the last reply states no list"))?;
        let all: usize = served.iter().flatten().map(|(entries, _)| entries).sum();
        prop_assert_eq!(told, all, "the adapter told another number of entries");
        prop_assert!(!more || matches!(read, Read::StacksPage), "the last page was not read");
        Ok(())
    });
}

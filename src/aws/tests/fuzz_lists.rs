//! Lists of AMIs and stacks, from any replies: what the adapter tells is what the replies state. A reply that states no list is
//! an error.

use super::known::{DENIED, MORE_AMIS, NO_AMI, NO_STACK, NO_STACKS, ONE_AMI, STACKS};
use super::memory_http::{MemoryHttp, Reply};
use super::replies::any_reply;
use super::statement::{is_own, list};
use super::xml::{Node, text};
use super::{adapter, runtime, scope, turn};
use crate::aws::source::Aws;
use crate::describe_image::ImageId;
use crate::describe_image::observation::{Ami, Stack, tag, tag_key};
use crate::describe_image::source::{ImageSource, OrphanSource, StorySource};
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
    Orphan,
    AllStacks,
    StacksPage,
}

/// An entry of a list: the id of the AMI and of its image, or the ARN of the stack and its status.
type Entry = [Option<String>; 2];

impl Read {
    fn is_of_images(self) -> bool {
        !matches!(self, Self::AllStacks | Self::StacksPage)
    }

    /// The entries that the adapter gave.
    async fn read(self, aws: &Aws) -> Result<Vec<Entry>, SourceError> {
        let ids = ["hpc", "other"].map(|id| ImageId::parse(id).unwrap());
        let (scope, turn) = (scope(), turn());
        let of_ami = |ami: Ami| [ami.id, tag(&ami.tags, tag_key::IMAGE_ID).map(str::to_owned)];
        let of_stack = |stack: Stack| [stack.arn, stack.status];
        let mut entries = Vec::new();
        match self {
            Self::AmisOfOne | Self::AmisOfTwo => {
                let ids = if matches!(self, Self::AmisOfOne) { &ids[..1] } else { &ids };
                for (id, ami) in aws.amis(&scope, ids, &turn).await? {
                    // With one id, EC2 has compared it.
                    let of = (ids.len() > 1).then(|| id.to_string());
                    entries.push(of.map_or_else(|| of_ami(ami.clone()), |of| [ami.id.clone(), Some(of)]));
                }
            }
            Self::AllAmis => aws.all_amis(&scope, &turn, |ami| entries.push(of_ami(ami))).await?,
            Self::Orphan => entries.extend(aws.orphan(&scope, "arn").await?.map(|id| [Some(id), None])),
            Self::AllStacks => aws.all_stacks(&scope, &turn, |stack| entries.push(of_stack(stack))).await?,
            Self::StacksPage => {
                entries.extend(aws.stacks_page(&scope, None, &turn).await?.0.into_iter().map(of_stack));
            }
        }
        Ok(entries)
    }

    /// What the adapter must give, if the replies state these entries.
    fn of(self, stated: Vec<Entry>) -> Vec<Entry> {
        match self {
            Self::Orphan => stated.into_iter().map(|[id, _]| [id, None]).max().into_iter().collect(),
            _ => stated,
        }
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
    use Read::{AllAmis, AllStacks, AmisOfOne, AmisOfTwo, Orphan, StacksPage};
    let images = (
        proptest::sample::select(vec![AmisOfOne, AmisOfTwo, AllAmis, Orphan]),
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

/// The entries that a reply states, and whether another page follows.
fn stated(read: Read, reply: &Reply) -> Option<(Vec<Entry>, bool)> {
    if read.is_of_images() {
        let (images, more) = list(reply, "DescribeImagesResponse", &["imagesSet"], "nextToken")?;
        let id_of = |image: &Node| {
            let tags = &image.child("tagSet")?.children;
            let mut tags = tags.iter().filter(|tag| tag.name == "item");
            text(tags.find(|tag| text(tag, "key").as_deref() == Some(tag_key::IMAGE_ID))?, "value")
        };
        return Some((images.iter().map(|image| [text(image, "imageId"), id_of(image)]).collect(), more));
    }
    let (stacks, more) = list(reply, "DescribeStacksResponse", &["DescribeStacksResult", "Stacks"], "NextToken")?;
    Some((stacks.iter().map(|stack| [text(stack, "StackId"), text(stack, "StackStatus")]).collect(), more))
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
        let is_own = replies.iter().all(|reply| is_own(reply, &IMAGES) || is_own(reply, &LISTS_OF_STACKS));
        script.begin(replies);
        let told = match runtime.block_on(read.read(if retries { &patient } else { &once })) {
            Ok(told) => told,
            Err(error) => {
                prop_assert!(!is_own, "{error}");
                return Ok(());
            }
        };
        let served: Vec<_> = script.served().iter().map(|reply| stated(read, reply)).collect();
        let (_, more) =
            served.last().cloned().flatten().ok_or_else(|| TestCaseError::fail("the last reply states no list"))?;
        let all = served.into_iter().flatten().flat_map(|(entries, _)| entries).collect();
        prop_assert_eq!(told, read.of(all), "the adapter told other entries");
        prop_assert!(!more || matches!(read, Read::StacksPage), "the last page was not read");
        Ok(())
    });
}

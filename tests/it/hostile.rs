//! A hostile or broken AWS endpoint: what it answers is bounded, and one bad image does not hide the others.

use crate::support::describe::{finish, program};
use crate::support::lab::REGION;
use crate::support::net::{answering, endless};
use crate::support::run;
use crate::support::world::{image, world};
use customimage_operator::aws::{self, Aws, ClientSettings, IgnoreCalls};
use customimage_operator::describe_image::observe::observe;
use customimage_operator::describe_image::source_error::BadReply;
use customimage_operator::describe_image::{ImageId, Observation, Region, Scope};
use simulator::{Simulator, Tag, World};
use std::sync::Arc;
use std::time::Duration;

/// Runs `describe` against an endpoint. Returns its message. It must end as for an image that AWS does not tell.
async fn message(endpoint: &str) -> String {
    let mut command = program(endpoint);
    command.args(["describe", "-i", "hpc", "-r", REGION, "--aws-max-attempts", "1"]);
    let answer = tokio::time::timeout(Duration::from_secs(60), finish(command)).await.unwrap();
    assert_ne!(answer.code, 0, "{answer:?}");
    answer.body["message"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}

/// The adapter's answers for these images.
async fn observed(aws: &Simulator, ids: &[ImageId]) -> Vec<(ImageId, Result<Observation, Option<BadReply>>)> {
    let second = Duration::from_secs(1);
    let settings = ClientSettings {
        connect_timeout: 3 * second,
        attempt_timeout: 20 * second,
        operation_timeout: 60 * second,
        max_attempts: 1,
        trusted_ca: None,
    };
    let keys = aws_credential_types::Credentials::new("AKIA111122223333EXAMPLE", "secret", None, None, "test");
    let keys = aws_credential_types::provider::SharedCredentialsProvider::new(keys);
    let base = aws::load(&settings, None).await.to_builder().endpoint_url(aws.endpoint());
    let adapter = Aws::new(base.credentials_provider(keys).build(), Arc::new(IgnoreCalls));
    let answers = observe(&adapter, &Scope::default_identity(Region::parse(REGION).unwrap()), ids).await;
    answers.into_iter().map(|(id, answer)| (id, answer.map_err(|error| error.source_error.bad_reply))).collect()
}

/// A world with so many images, and their ids. `tag` is the value of another tag of each.
fn images(count: usize, tag: impl Fn(usize) -> String) -> (World, Vec<ImageId>) {
    let mut world = world(REGION);
    let names: Vec<_> = (0..count).map(|number| format!("hpc-{number}")).collect();
    for (number, name) in names.iter().enumerate() {
        let mut image = image(name, REGION);
        image.tags.push(Tag { key: "note".into(), value: tag(number) });
        world.images.push(image);
    }
    (world, names.iter().map(|name| ImageId::parse(name).unwrap()).collect())
}

#[test]
fn an_endless_reply_is_cut_off_and_the_message_says_so() {
    run(async {
        let server =
            endless(b"<DescribeImagesResponse><imagesSet><item><name>0123456789</name></item></imagesSet>").await;
        let said = message(&server.url()).await;
        assert!(said.contains("the reply has more than 8 MiB"), "{said}");
    });
}

#[test]
fn deep_nesting_broken_text_and_compressed_replies_are_errors_and_nothing_else() {
    run(async {
        let deep = format!("{}{}", "<a>".repeat(500_000), "</a>".repeat(500_000));
        for (status, body) in [
            ("200 OK", deep),
            ("200 OK\r\ncontent-encoding: gzip", "\u{1f}\u{8b} not decompressed".to_owned()),
            ("200 OK", "<DescribeImagesResponse>\u{fffe}\u{0}</DescribeImagesResponse>".to_owned()),
            ("500 Internal Server Error", "{".repeat(100_000)),
        ] {
            let server = answering(status, body).await;
            assert!(!message(&server.url()).await.is_empty(), "{status}");
        }
    });
}

#[test]
fn a_page_that_is_too_large_is_read_again_in_smaller_ones() {
    run(async {
        let (world, ids) = images(20, |_| "x".repeat(900_000));
        let aws = Simulator::start(world).await;
        let answers = observed(&aws, &ids).await;
        let amis = answers.iter().filter(|(_, answer)| matches!(answer, Ok(Observation::Ami { .. })));
        assert_eq!(amis.count(), 20);
        assert_eq!(aws.count("ec2", "DescribeImages"), 7, "pages of 1000, 125 and 16, then four of 5");
    });
}

#[test]
fn an_image_that_cannot_be_read_does_not_hide_the_others() {
    run(async {
        for (bad, expected) in
            [("\u{fffe}".to_owned(), BadReply::Malformed), ("x".repeat(9_000_000), BadReply::TooLarge)]
        {
            let (world, ids) = images(10, |number| if number == 7 { bad.clone() } else { "good".to_owned() });
            let aws = Simulator::start(world).await;
            for (id, answer) in observed(&aws, &ids).await {
                match (id.as_str(), answer) {
                    ("hpc-7", Err(error)) => assert_eq!(error, Some(expected)),
                    (_, Ok(Observation::Ami { .. })) => {}
                    (id, answer) => panic!("{id}: {answer:?}"),
                }
            }
        }
    });
}

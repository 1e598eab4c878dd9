//! Tests of DescribeImages over HTTP: filters and pages.

use simulator::{Answers, Image, Simulator, World};

use crate::client::{Client, between, image};

#[tokio::test]
async fn all_filters_must_match_each_by_any_of_its_values() {
    let mut images: Vec<Image> = (0..20).map(image).collect();
    images[3].tags.pop();
    let simulator = Simulator::start(World { images, ..World::default() }).await;
    let mut client = Client::new(&simulator).await;
    let parameters = "&Owner.1=self&Filter.1.Name=tag%3Aparallelcluster%3Aimage_id&Filter.1.Value.1=image-3&Filter.1.Value.2=image-1?\
                      &Filter.1.Value.3=image-2&Filter.2.Name=tag%3Aparallelcluster%3Abuild_status&Filter.2.Value.1=available";
    let (_, body) = client.describe_images(parameters).await;
    let found = between(&body, "<imageId>", "</imageId>");
    assert_eq!((found.len(), found[0], found[10]), (11, "ami-00000002", "ami-00000013"));
    assert_eq!(simulator.max_filter_values(), 3);
}

#[tokio::test]
async fn following_the_tokens_reads_all_pages() {
    let answers = Answers { image_page_size: 6, empty_pages: true, shuffle: true, ..Answers::default() };
    let images = (0..20).map(image).collect();
    let simulator = Simulator::start(World { images, answers, ..World::default() }).await;
    let mut client = Client::new(&simulator).await;
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let (_, body) = client.describe_images(&token).await;
        found.extend(between(&body, "<imageId>", "</imageId>").into_iter().map(str::to_owned));
        match between(&body, "<nextToken>", "</nextToken>").first() {
            Some(next) => token = format!("&NextToken={next}"),
            None => break,
        }
    }
    assert_eq!(simulator.count("ec2", "DescribeImages"), 9);
    found.sort();
    assert_eq!(found, (0..20).map(|number| image(number).ami_id).collect::<Vec<_>>());
}

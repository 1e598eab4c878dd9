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
    let mut found = all_pages(&mut client, || ()).await;
    assert_eq!(simulator.count("ec2", "DescribeImages"), 9);
    found.sort();
    assert_eq!(found, (0..20).map(|number| image(number).ami_id).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_image_that_comes_or_goes_between_two_pages_hides_no_other_one() {
    for shuffle in [false, true] {
        let answers = Answers { image_page_size: 3, shuffle, ..Answers::default() };
        let images = (0..20).map(image).collect();
        let simulator = Simulator::start(World { images, answers, ..World::default() }).await;
        let mut client = Client::new(&simulator).await;
        let mut page = 0;
        let mut found = all_pages(&mut client, || {
            simulator.world(|world| world.images.retain(|other| other.ami_id != image(page).ami_id));
            simulator.world(|world| world.put_image(image(100 + page)));
            page += 1;
        })
        .await;
        found.sort();
        found.dedup();
        let stay: Vec<_> = (page..20).map(|number| image(number).ami_id).collect();
        assert_eq!(stay.iter().filter(|id| !found.contains(id)).count(), 0, "{shuffle}: {found:?}");
    }
}

#[tokio::test]
async fn a_token_is_valid_until_a_thousand_other_lists_were_read_since() {
    let answers = Answers { image_page_size: 3, ..Answers::default() };
    let images = (0..7).map(image).collect();
    let simulator = Simulator::start(World { images, answers, ..World::default() }).await;
    let mut client = Client::new(&simulator).await;
    let next = |body: &str| format!("&NextToken={}", between(body, "<nextToken>", "</nextToken>")[0]);
    let token = next(&client.describe_images("").await.1);
    let mut wanted = Vec::new();
    for others in [999, 999, 1000] {
        for _ in 0..others {
            client.describe_images("").await;
        }
        wanted.push(client.describe_images(&token).await);
    }
    let statuses: Vec<u16> = wanted.iter().map(|(status, _)| *status).collect();
    assert_eq!(statuses, [200, 200, 400]);
    assert_eq!(between(&wanted[2].1, "<Code>", "</Code>"), ["InvalidParameterValue"]);
}

/// The ids on all pages. `between_pages` is called after each page but the last.
async fn all_pages(client: &mut Client, mut between_pages: impl FnMut()) -> Vec<String> {
    let (mut found, mut token) = (Vec::new(), String::new());
    loop {
        let (_, body) = client.describe_images(&token).await;
        found.extend(between(&body, "<imageId>", "</imageId>").into_iter().map(str::to_owned));
        match between(&body, "<nextToken>", "</nextToken>").first() {
            Some(next) => token = format!("&NextToken={next}"),
            None => return found,
        }
        between_pages();
    }
}

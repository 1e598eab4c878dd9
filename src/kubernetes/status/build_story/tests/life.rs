//! The life of one image in a test: observation after observation, and what the status says of them.

use super::*;

/// The life of one image, one observation after the other.
pub struct Life {
    pub status: CustomImageStatus,
    pub minute: i64,
}

impl Life {
    pub fn new() -> Self {
        Self { status: CustomImageStatus::default(), minute: 0 }
    }

    /// An observation, ten minutes after the last one.
    pub fn sees(&mut self, observation: Observation) -> &mut Self {
        self.sees_with(observation, Orphan::Unknown)
    }

    pub fn sees_with(&mut self, observation: Observation, orphan: Orphan) -> &mut Self {
        self.minute += 10;
        let (id, region) = (ImageId::parse("hpc").unwrap(), Region::parse("eu-west-1").unwrap());
        let response = describe(&id, &region, &observation).ok().map(Box::new);
        let outcome = Outcome::Observed { observation: std::sync::Arc::new(observation), response, orphan };
        let moment = Moment {
            previous: &self.status,
            object: "hpc -n images",
            image_id: "hpc",
            region: "eu-west-1",
            account_id: Some("111122223333"),
            generation: Some(1),
            created: at(0),
            finalizing_seen: at(self.minute),
            now: at(self.minute),
            interval: SignedDuration::from_mins(10),
            periods: &PERIODS,
        };
        self.status = compose::next(&outcome, &moment).status;
        self
    }

    pub fn ready(&self) -> (&str, &str) {
        let ready = conditions::find(&self.status.conditions, conditions::READY).unwrap();
        (&ready.reason, &ready.message)
    }

    pub fn says(&self, reason: &str, words: &[&str]) {
        let (is, message) = self.ready();
        assert!(is == reason && words.iter().all(|word| message.contains(word)), "{is}: {message}");
    }

    pub fn build(&self) -> (Option<&str>, Option<&str>, Option<&str>) {
        let Some(Build { stack_arn, image_arn, ami_id, .. }) = &self.status.build else { return (None, None, None) };
        (stack_arn.as_deref(), image_arn.as_deref(), ami_id.as_deref())
    }
}

/// An AMI that was created at minute `made`, with the tag of the image build `arn`, if given.
pub fn ami(state: &str, made: i64, arn: Option<&str>) -> Observation {
    let tags = arn.map(|arn| new_tag(tag_key::IMAGE_BUILD, arn)).into_iter().collect();
    let (state, creation_date) = (Some(state.to_owned()), Some(at(made)));
    let ami = Ami { id: Some("ami-1".into()), state, creation_date, tags, ..Ami::default() };
    Observation::Ami { ami, stack: None, refused: None }
}

/// The stack `arn` that was created at minute `made`, and its image build.
pub fn stack((arn, made): (&str, i64), status: &str, build: Option<ImageBuild>) -> Observation {
    let stack =
        Stack { arn: Some(arn.into()), status: Some(status.into()), creation_time: Some(at(made)), ..Stack::default() };
    Observation::Stack { stack, image_build: build, refused: None }
}

pub fn build(arn: &str, status: &str) -> Option<ImageBuild> {
    Some(ImageBuild { arn: Some(arn.into()), status: Some(status.into()), ..ImageBuild::default() })
}

pub fn failed(arn: &str) -> Option<ImageBuild> {
    let step = FailedStep {
        step: Some("RunComponents".into()),
        component: Some("arn:component".into()),
        phase: Some("build".into()),
        action: Some("InstallPackages".into()),
        message: Some("no such package".into()),
    };
    Some(ImageBuild { failed_step: Some(step), ..build(arn, "FAILED").unwrap() })
}

pub fn nothing() -> Observation {
    Observation::Absent { other_stack: None }
}

pub const STACK: (&str, i64) = ("arn:stack/hpc/1", -60);
pub const BUILD: &str = "arn:aws:imagebuilder:eu-west-1:111122223333:image/parallelclusterimage-hpc/3.16.1/1";

//! The scenarios of the conformance test. Each adds resources to one simulated AWS and says which id is described and
//! whether the official program and ours must agree. Faults are set by region, so each scenario with a fault has its
//! own region.

use super::describe::Answer;
use super::world::{self, ACCOUNT, build, image, stack};
use customimage_operator::kubernetes::CustomImage;
use simulator::{Bucket, Fault, FaultKind, Image, Object, Stack, Tag, World};

/// What the official program, `describe` and the status must answer.
pub enum Expect {
    /// The same body. URLs are compared by bucket, key and lifetime. The status has the same payload.
    Same,
    /// The same error. Ready has this reason.
    SameError(&'static str),
    /// A deliberate difference. The functions check the reference's answer, our answer and the status.
    Differ(fn(&Answer), fn(&Answer), fn(&CustomImage)),
    /// The reference never answers. The functions check our answer and the status.
    Endless(fn(&Answer), fn(&CustomImage)),
}

pub struct Scenario {
    pub name: &'static str,
    pub id: String,
    pub region: &'static str,
    pub expect: Expect,
}

/// The region of the scenarios without faults.
pub const CALM: &str = "eu-west-1";

/// Collects scenarios and the world they live in.
pub struct Scenarios {
    pub world: World,
    pub list: Vec<Scenario>,
    regions: Vec<&'static str>,
}

impl Scenarios {
    pub fn new() -> Self {
        let mut world = world::world(CALM);
        world.buckets.push(default_bucket(CALM, "411a5d24c67e2adf"));
        // Only regions that are in the reference's built-in list.
        let regions = vec![
            "us-east-2",
            "us-west-1",
            "us-west-2",
            "ca-central-1",
            "eu-central-1",
            "eu-west-2",
            "eu-west-3",
            "eu-north-1",
            "eu-south-1",
            "ap-east-1",
            "ap-northeast-1",
            "ap-northeast-2",
            "ap-south-1",
            "ap-southeast-1",
            "ap-southeast-2",
            "ap-southeast-3",
            "ap-southeast-5",
            "ap-southeast-7",
            "sa-east-1",
            "af-south-1",
            "me-south-1",
            "il-central-1",
            "us-gov-east-1",
            "us-gov-west-1",
            "cn-north-1",
            "cn-northwest-1",
        ];
        Self { world, list: Vec::new(), regions }
    }

    /// A region for one scenario with a fault.
    pub fn region(&mut self) -> &'static str {
        self.regions.pop().expect("no region left")
    }

    pub fn push(&mut self, name: &'static str, id: impl Into<String>, region: &'static str, expect: Expect) {
        self.list.push(Scenario { name, id: id.into(), region, expect });
    }

    /// Adds a scenario with an AMI, modified by `change`.
    pub fn ami(&mut self, name: &'static str, expect: Expect, change: impl FnOnce(&mut Image)) {
        let id = name.replace(' ', "-");
        let mut ami = image(&id, CALM);
        change(&mut ami);
        self.world.images.push(ami);
        self.push(name, id, CALM, expect);
    }

    /// Adds a scenario with a stack, modified by `change`, and its image build.
    pub fn stack(&mut self, name: &'static str, expect: Expect, change: impl FnOnce(&mut Stack)) {
        let id = name.replace(' ', "-");
        let mut made = stack(&id, CALM, "CREATE_IN_PROGRESS");
        change(&mut made);
        self.world.stacks.push(made);
        self.world.image_build_versions.push(build(&id, CALM, "BUILDING"));
        self.push(name, id, CALM, expect);
    }

    /// Adds a scenario with an image that is being built in its own region, where each call of `operation` has the
    /// fault `kind`.
    pub fn trouble(&mut self, name: &'static str, service: &str, operation: &str, kind: FaultKind, expect: Expect) {
        let region = self.region();
        let id = name.replace(' ', "-");
        self.world.stacks.push(stack(&id, region, "CREATE_IN_PROGRESS"));
        self.world.image_build_versions.push(build(&id, region, "TESTING"));
        let mut fault = Fault::new(service, operation, kind);
        fault.region = Some(region.into());
        self.world.faults.push(fault);
        self.push(name, id, region, expect);
    }
}

/// The default bucket as ParallelCluster creates it, with the object that marks it as bootstrapped.
pub fn default_bucket(region: &str, hash: &str) -> Bucket {
    let marked = Object {
        key: "parallelcluster/.bootstrapped".into(),
        body: r#"{"bootstrapped_features": ["basic", "export-logs"]}"#.into(),
        ..Object::default()
    };
    Bucket {
        name: format!("parallelcluster-{hash}-v1-do-not-delete"),
        region: region.into(),
        account: ACCOUNT.into(),
        objects: vec![marked],
        ..Bucket::default()
    }
}

pub fn without(tags: &mut Vec<Tag>, key: &str) {
    tags.retain(|tag| tag.key != format!("parallelcluster:{key}"));
}

pub fn error(status: u16, code: &str, message: &str) -> FaultKind {
    FaultKind::Error { status, code: code.into(), message: message.into() }
}

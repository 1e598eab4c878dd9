//! The flags for what is mirrored, and with which credentials. `run` and `check` share them.

use crate::describe_image::Region;
use crate::process::args::value::{Maybe, file, namespace, region};
use clap::{Args as ClapArgs, ValueEnum};
use std::collections::BTreeSet;
use std::path::PathBuf;

#[derive(Clone, Debug, ClapArgs)]
pub struct MirrorArgs {
    /// Region of the CustomImages without spec.region. Default: AWS_DEFAULT_REGION, then the profile's region.
    #[arg(short, long, env = "AWS_REGION", value_parser = region, default_value = "", hide_default_value = true)]
    pub region: Maybe<Region>,
    /// Watch only these namespaces, separated by commas. Default: all namespaces.
    #[arg(short, long, env = "CUSTOMIMAGE_NAMESPACE", value_name = "NAMESPACES", value_delimiter = ',', value_parser = namespace)]
    pub namespace: Vec<Maybe<String>>,
    /// YAML file of identities: the roles to assume, and which namespaces may use them. A change takes effect in
    /// seconds.
    #[arg(long, env = "CUSTOMIMAGE_CONFIGURATION", value_name = "FILE", value_parser = file, default_value = "", hide_default_value = true)]
    pub configuration: Maybe<PathBuf>,
    /// What status.imageConfiguration.url contains: the S3 location, or a presigned URL (valid for at most one hour).
    /// With a presigned URL, every user who can read the CustomImage can read the file.
    #[arg(long, env = "CUSTOMIMAGE_CONFIGURATION_URL", value_enum, default_value_t = ConfigurationUrl::S3)]
    pub configuration_url: ConfigurationUrl,
    /// Read why a stack failed from its events, once for each failure, into status.failure.stackEvent. Needs
    /// cloudformation:DescribeStackEvents. With it, check also tries the rights for the commands logs and events.
    #[arg(long, env = "CUSTOMIMAGE_BUILD_LOGS", default_value_t = false, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = clap::builder::BoolishValueParser::new())]
    pub build_logs: bool,
}

impl MirrorArgs {
    /// The namespaces to watch, without duplicates. Empty: all.
    #[must_use]
    pub fn namespaces(&self) -> Vec<String> {
        let names: BTreeSet<String> = self.namespace.iter().filter_map(|name| name.0.clone()).collect();
        names.into_iter().collect()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConfigurationUrl {
    S3,
    Presigned,
}

//! What is mirrored, and with whose credentials: what `run` does and `check` looks at.

use crate::describe_image::Region;
use crate::process::args::value::{Maybe, file, namespace, region};
use clap::{Args as ClapArgs, ValueEnum};
use std::collections::BTreeSet;
use std::path::PathBuf;

#[derive(Clone, Debug, ClapArgs)]
pub struct MirrorArgs {
    /// Region of the CustomImages that name none. Default: AWS_DEFAULT_REGION, then the profile's.
    #[arg(short, long, env = "AWS_REGION", value_parser = region, default_value = "", hide_default_value = true)]
    pub region: Maybe<Region>,
    /// Watch these namespaces only, separated by commas. Default: all namespaces.
    #[arg(short, long, env = "CUSTOMIMAGE_NAMESPACE", value_name = "NAMESPACES", value_delimiter = ',', value_parser = namespace)]
    pub namespace: Vec<Maybe<String>>,
    /// YAML file of identities: roles to assume, and who may use which; a change is in force within seconds.
    #[arg(long, env = "CUSTOMIMAGE_CONFIGURATION", value_name = "FILE", value_parser = file, default_value = "", hide_default_value = true)]
    pub configuration: Maybe<PathBuf>,
    /// What status.imageConfiguration.url shows: the place in S3, or a presigned URL (valid for one hour), with which
    /// whoever may read the object may read the file.
    #[arg(long, env = "CUSTOMIMAGE_CONFIGURATION_URL", value_enum, default_value_t = ConfigurationUrl::S3)]
    pub configuration_url: ConfigurationUrl,
}

impl MirrorArgs {
    /// The namespaces to watch, each once; none: all.
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

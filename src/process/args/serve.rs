//! The flags of `serve`.

use super::aws::AwsArgs;
use super::log::LogArgs;
use super::value::{Maybe, region};
use crate::describe_image::Region;
use clap::Args as ClapArgs;
use std::net::SocketAddr;

#[derive(Debug, ClapArgs)]
pub struct ServeArgs {
    /// Address on this machine, such as 127.0.0.1:8080 or [::1]:8080. Port 0 takes a free port.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080", value_parser = local_address)]
    pub listen: SocketAddr,
    /// Region of requests that name none. Default: AWS_REGION, AWS_DEFAULT_REGION, then the profile's region.
    #[arg(short, long, value_parser = region, default_value = "", hide_default_value = true)]
    pub region: Maybe<Region>,
    #[command(flatten)]
    pub log: LogArgs,
    #[command(flatten)]
    pub aws: AwsArgs,
}

fn local_address(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "not an address with a port, such as 127.0.0.1:8080".to_owned())?;
    let elsewhere = "whoever reaches it could read with your credentials. Listen on 127.0.0.1 or [::1], and let other machines come by ssh -L";
    if address.ip().is_loopback() { Ok(address) } else { Err(elsewhere.to_owned()) }
}

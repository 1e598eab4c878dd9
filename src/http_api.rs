//! The HTTP interface: the operations of the API that read images, with the paths, codes and words of the official
//! program's server. Not here: sockets, AWS and Kubernetes. Who serves it gives it an `ImageApi`, and decides before who
//! may ask.
//!
//! - `image_api`: what the interface asks.
//! - `operation`: the operations, by name and path.
//! - `routes`: the paths, and what each answers.
//! - `query`: the parameters of a request.
//! - `reply`: JSON bodies, error codes, and the id of each request.
//! - `local_guard`: keeps web pages away from a server on a desk.

mod image_api;
pub mod local_guard;
mod operation;
mod query;
mod reply;
mod routes;

pub use image_api::ImageApi;
pub use operation::Operation;
pub use query::image_id;
pub use reply::{Aged, Failure, LogFields, Logged, REQUEST_ID, User, answer, with_log};
pub use routes::{router, unknown_path};

//! `Mirror`: what the HTTP interface reads of the controller.

use crate::describe_image::scope::DEFAULT_IDENTITY;
use crate::describe_image::source::ImageSource;
use crate::describe_image::{Region, Scope};
use crate::kubernetes::identities::grants::{Access, Identities};
use crate::kubernetes::identities::namespaces::NamespaceLabels;
use crate::kubernetes::leadership::Leadership;
use crate::reflector::Reflector;
use std::sync::Arc;
use tokio::sync::watch;

/// The store of answers, and who may read where. It keeps nothing of the controller open.
pub struct Mirror<S> {
    pub reflector: Arc<Reflector<S>>,
    pub leadership: Leadership,
    pub(super) identities: watch::Receiver<Arc<Identities>>,
    pub(super) labels: Arc<NamespaceLabels>,
    /// The watched namespaces. Empty: all.
    pub(super) namespaces: Vec<String>,
    pub(super) default_region: Option<Region>,
}

/// Why a namespace may not read somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Nothing names a region.
    NoRegion,
    /// There is no such region.
    UnknownRegion(String),
    /// The identity does not exist, or not for this namespace and region. Names of identities are confidential, so the answer
    /// is the same.
    NotAllowed,
    /// It is not known yet, because the labels of namespaces are not.
    Undecided(Arc<str>),
}

impl<S: ImageSource + 'static> Mirror<S> {
    /// Where `namespace` reads with `identity`: in `region`, else in the default one. The same rules hold as for a CustomImage
    /// of the namespace.
    ///
    /// # Errors
    /// If the namespace may not read there.
    pub fn scope(&self, namespace: &str, identity: Option<&str>, region: Option<&str>) -> Result<Scope, Closed> {
        let unknown = |name: &str| Closed::UnknownRegion(name.to_owned());
        let region = match region {
            Some(name) => Region::parse(name).map_err(|_| unknown(name))?,
            None => self.default_region.clone().ok_or(Closed::NoRegion)?,
        };
        if !self.namespaces.is_empty() && !self.namespaces.iter().any(|watched| watched == namespace) {
            return Err(Closed::NotAllowed);
        }
        let identities = self.identities.borrow().clone();
        let name = identity.unwrap_or(DEFAULT_IDENTITY);
        let scope = match identities.access(name, namespace, region, |namespace| self.labels.of(namespace)) {
            Access::Granted(scope) => scope,
            Access::Refused(_) => return Err(Closed::NotAllowed),
            // The answer for a namespace that does not exist is that for one that may not read.
            Access::Undecided(_) if self.labels.lack(namespace) => return Err(Closed::NotAllowed),
            Access::Undecided(error) => return Err(Closed::Undecided(error.message)),
        };
        // Anybody could invent regions. One that is not listed counts if a CustomImage of the namespace reads it.
        let (reflector, region) = (&self.reflector, &scope.region);
        if !reflector.source().lists(region) && !reflector.reads_in(namespace, region) {
            return Err(unknown(region.as_str()));
        }
        Ok(scope)
    }
}

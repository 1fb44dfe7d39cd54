//! What the models of a sweep's points build once: the network and the examples to learn from.
//!
//! Points that agree in everything these are made of get equal ones either way, so sharing saves
//! time and memory and changes no number.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::ModelError;
use super::build::TrainingData;
use super::spec::{Data, Network as NetworkSpec};
use crate::network::Network;

/// Networks kept: those of the points that are computed at one time are few.
const NETWORKS: usize = 4;

/// What a network is made of: its section and the seed. Files do not change during a sweep.
type NetworkKey = (NetworkSpec, u64);

/// What examples are made of: their section, the sizes of the network and the seed.
type DataKey = (Data, Vec<usize>, u64);

/// What was built last, shared by models derived from each other. Models are equal whatever they
/// share.
#[derive(Clone, Default)]
pub(crate) struct Shared(Option<Arc<Built>>);

#[derive(Default)]
struct Built {
    networks: Mutex<Vec<(NetworkKey, Network)>>,
    data: Mutex<Option<(DataKey, Arc<TrainingData>)>>,
}

impl Shared {
    /// Shares from here on. A model by itself has nothing to share and keeps no copies.
    pub(crate) fn start() -> Self {
        Self(Some(Arc::default()))
    }

    /// The network made of these, built unless it was built before.
    pub(crate) fn network(
        &self,
        spec: &NetworkSpec,
        seed: u64,
        build: impl FnOnce() -> Result<Network, ModelError>,
    ) -> Result<Network, ModelError> {
        let Some(built) = &self.0 else { return build() };
        let lock = || built.networks.lock().unwrap_or_else(PoisonError::into_inner);
        let is_same = |known: &NetworkKey| known.1 == seed && known.0 == *spec;
        if let Some((_, network)) = lock().iter().find(|(key, _)| is_same(key)) {
            return Ok(network.clone());
        }
        let network = build()?;
        let mut networks = lock();
        if networks.iter().all(|(key, _)| !is_same(key)) {
            if networks.len() == NETWORKS {
                networks.remove(0);
            }
            networks.push(((spec.clone(), seed), network.clone()));
        }
        Ok(network)
    }

    /// The examples made of these. Others wait while they are read: in memory once is enough.
    pub(crate) fn data(
        &self,
        key: impl FnOnce() -> DataKey,
        build: impl FnOnce() -> Result<TrainingData, ModelError>,
    ) -> Result<Arc<TrainingData>, ModelError> {
        let Some(built) = &self.0 else { return build().map(Arc::new) };
        let key = key();
        let mut known = built.data.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, data)) = known.as_ref().filter(|(other, _)| *other == key) {
            return Ok(Arc::clone(data));
        }
        let data = Arc::new(build()?);
        *known = Some((key, Arc::clone(&data)));
        Ok(data)
    }
}

impl PartialEq for Shared {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Shared" } else { "Own" })
    }
}

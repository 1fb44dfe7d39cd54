//! Where the parts of the state are.

use std::ops::Range;

use super::parameters::ControlParameters;
use super::plant::Plant;
use crate::dynamics::layout::StateLayout;

/// Ranges of the state, each over all layers and targets; absent where the parameters ask for none.
#[derive(Debug, Clone)]
pub(super) struct Places {
    pub(super) voltages: Option<Range<usize>>,
    pub(super) apical: Option<Range<usize>>,
    pub(super) noise: Option<Range<usize>>,
    pub(super) u_int: Range<usize>,
    pub(super) error: Option<Range<usize>>,
    pub(super) control: Option<Range<usize>>,
    pub(super) filtered: Option<Range<usize>>,
}

impl Places {
    /// The blocks that `parameters` ask for, with their names.
    pub(super) fn new(plant: &Plant, parameters: &ControlParameters) -> (StateLayout, Self) {
        let mut builder = Builder { plant, layout: StateLayout::new(plant.columns) };
        let filters = parameters.filters;
        let coloured = parameters.noise.is_some_and(|n| n.correlation_time().is_some());
        let voltages =
            builder.layers(!parameters.instantaneous, "voltage_{}", "voltage of layer {}");
        let apical = builder.layers(
            parameters.tau_apical.is_some(),
            "apical_{}",
            "apical compartment of layer {}",
        );
        let noise = builder.layers(coloured, "noise_{}", "coloured noise in layer {}");
        let u_int = builder
            .output(true, "u_int", "integral part of the control signal")
            .expect("this block is always there");
        let error =
            builder.output(filters.tau_error.is_some(), "error_filtered", "filtered output error");
        let control = builder.output(
            filters.tau_controller.is_some(),
            "control_filtered",
            "filtered control signal",
        );
        let filtered = builder.layers(
            filters.tau_voltage.is_some(),
            "voltage_filtered_{}",
            "filtered voltage of layer {}",
        );
        let places = Self { voltages, apical, noise, u_int, error, control, filtered };
        (builder.layout, places)
    }
}

struct Builder<'a> {
    plant: &'a Plant,
    layout: StateLayout,
}

impl Builder<'_> {
    fn layers(&mut self, wanted: bool, name: &str, long_name: &str) -> Option<Range<usize>> {
        let start = self.layout.dim();
        for l in 0..if wanted { self.plant.depth() } else { 0 } {
            let number = (l + 1).to_string();
            let (name, long_name) = (name.replace("{}", &number), long_name.replace("{}", &number));
            let layout = std::mem::replace(&mut self.layout, StateLayout::new(0));
            self.layout = layout.with(&name, self.plant.units(l), &long_name);
        }
        wanted.then(|| start..self.layout.dim())
    }

    fn output(&mut self, wanted: bool, name: &str, long_name: &str) -> Option<Range<usize>> {
        let start = self.layout.dim();
        if wanted {
            let layout = std::mem::replace(&mut self.layout, StateLayout::new(0));
            self.layout = layout.with(name, self.plant.outputs(), long_name);
        }
        wanted.then(|| start..self.layout.dim())
    }
}
